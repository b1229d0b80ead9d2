#ifndef CLDAP_SHIM_H
#define CLDAP_SHIM_H

#include <sys/time.h>    /* ldap.h uses struct timeval without declaring it */
#include <sys/eventfd.h> /* Swift's Glibc module does not export eventfd(2) */
#include <ldap.h>
#include <sasl/sasl.h>   /* what libldap asks for in a SASL bind */

#endif
