#ifndef CLDAP_SHIM_H
#define CLDAP_SHIM_H

#include <sys/time.h>    /* ldap.h uses struct timeval without declaring it */
#include <sys/eventfd.h> /* Swift's Glibc module does not export eventfd(2) */
#include <ldap.h>
#include <sasl/sasl.h>   /* what libldap asks for in a SASL bind */

/* Makes the connection of a handle read as much as has arrived, up to so many bytes, instead of each message in two
   pieces. Swift does not take the address of a C global that may change, as ber_sockbuf_io_readahead. */
static inline int ldap_shim_read_ahead(LDAP *ld, int bytes) {
    Sockbuf *socket = NULL;
    if (ldap_get_option(ld, LDAP_OPT_SOCKBUF, &socket) != LDAP_OPT_SUCCESS || socket == NULL) return -1;
    return ber_sockbuf_add_io(socket, &ber_sockbuf_io_readahead, LBER_SBIOD_LEVEL_PROVIDER, &bytes);
}

#endif
