#ifndef CGSSAPI_SHIM_H
#define CGSSAPI_SHIM_H

#include <gssapi/gssapi.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>

/* Global variables that hold pointers: Swift takes them for state that threads share. They never change. */
static inline gss_OID interorg_krb5_mechanism(void) { return gss_mech_krb5; }
static inline gss_OID interorg_krb5_principal_name(void) { return GSS_KRB5_NT_PRINCIPAL_NAME; }

#endif
