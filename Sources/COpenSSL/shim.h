#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// EVP_EC_gen is a macro over a variadic function, neither of which Swift can call.
static inline EVP_PKEY *interorg_make_p256_key(void) { return EVP_EC_gen("P-256"); }

// A macro over BIO_ctrl. The bytes belong to the BIO.
static inline long interorg_bio_bytes(BIO *bio, char **bytes) { return BIO_get_mem_data(bio, bytes); }

// The functions of a typed stack are macros and inline functions with casts, which Swift does not import.
static inline STACK_OF(X509) *interorg_x509_stack_new(void) { return sk_X509_new_null(); }
static inline int interorg_x509_stack_push(STACK_OF(X509) *stack, X509 *certificate) {
    if (!X509_up_ref(certificate)) return 0;
    if (sk_X509_push(stack, certificate) > 0) return 1;
    X509_free(certificate);
    return 0;
}
static inline int interorg_x509_stack_count(const STACK_OF(X509) *stack) { return sk_X509_num(stack); }
static inline X509 *interorg_x509_stack_at(const STACK_OF(X509) *stack, int index) {
    return sk_X509_value(stack, index);
}
static inline void interorg_x509_stack_free(STACK_OF(X509) *stack) { sk_X509_pop_free(stack, X509_free); }

static inline int interorg_text_stack_count(STACK_OF(OPENSSL_STRING) *stack) {
    return sk_OPENSSL_STRING_num(stack);
}
static inline const char *interorg_text_stack_at(STACK_OF(OPENSSL_STRING) *stack, int index) {
    return sk_OPENSSL_STRING_value(stack, index);
}

static inline int interorg_signer_count(CMS_ContentInfo *content) {
    return sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(content));
}
static inline CMS_SignerInfo *interorg_first_signer(CMS_ContentInfo *content) {
    return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(content), 0);
}

// Whether the content is encrypted to the certificate. CMS_decrypt does not always say that this is why it fails.
static inline int interorg_is_recipient(CMS_ContentInfo *content, X509 *certificate) {
    STACK_OF(CMS_RecipientInfo) *recipients = CMS_get0_RecipientInfos(content);
    for (int index = 0; index < sk_CMS_RecipientInfo_num(recipients); index += 1) {
        CMS_RecipientInfo *recipient = sk_CMS_RecipientInfo_value(recipients, index);
        if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_TRANS) {
            if (CMS_RecipientInfo_ktri_cert_cmp(recipient, certificate) == 0) return 1;
        } else if (CMS_RecipientInfo_type(recipient) == CMS_RECIPINFO_AGREE) {
            STACK_OF(CMS_RecipientEncryptedKey) *keys = CMS_RecipientInfo_kari_get0_reks(recipient);
            for (int key = 0; key < sk_CMS_RecipientEncryptedKey_num(keys); key += 1) {
                CMS_RecipientEncryptedKey *one = sk_CMS_RecipientEncryptedKey_value(keys, key);
                if (CMS_RecipientEncryptedKey_cert_cmp(one, certificate) == 0) return 1;
            }
        }
    }
    return 0;
}

// Adds the extension subjectAltName with one rfc822Name. Its typed constructors are macros.
static inline int interorg_add_rfc822_name(X509 *certificate, const char *address, int length) {
    int added = 0;
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (names && name && text && ASN1_STRING_set(text, address, length)) {
        GENERAL_NAME_set0_value(name, GEN_EMAIL, text);
        text = NULL;
        if (sk_GENERAL_NAME_push(names, name) > 0) {
            name = NULL;
            added = X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
        }
    }
    ASN1_IA5STRING_free(text);
    GENERAL_NAME_free(name);
    GENERAL_NAMES_free(names);
    return added;
}

// PEM_read_bio_PrivateKey asks on the terminal for the passphrase of a key that has one, unless it is given a callback.
static inline int interorg_no_passphrase(char *buffer, int size, int writing, void *context) { return -1; }
static inline EVP_PKEY *interorg_read_private_key(BIO *bio) {
    return PEM_read_bio_PrivateKey(bio, NULL, interorg_no_passphrase, NULL);
}

// The escapes of RFC 2253, but for what is not ASCII. A macro of casts and other macros.
static inline unsigned long interorg_name_flags(void) { return XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB; }

// Macros over the parts of an error code.
static inline int interorg_error_is_no_pem(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
}
