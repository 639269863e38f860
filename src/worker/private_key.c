// SPDX-License-Identifier: Apache-2.0
#include "worker/private_key.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

struct asked {
    struct str phrase;
    bool is_asked;
};

/* Never asks a terminal, as the library would by itself. */
static int tell_phrase(char *text, int size, int is_writing, void *ctx)
{
    struct asked *asked = ctx;
    (void)is_writing;
    asked->is_asked = true;
    if (asked->phrase.len == 0 || asked->phrase.len > (size_t)size) {
        return -1;
    }
    memcpy(text, asked->phrase.ptr, asked->phrase.len);
    return (int)asked->phrase.len;
}

static EVP_PKEY *parse(struct str pem, struct str phrase, const char **ret_why)
{
    struct asked asked = {.phrase = phrase};
    BIO *in = BIO_new_mem_buf(pem.ptr, (int)pem.len);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, tell_phrase, &asked) : NULL;
    BIO_free(in);
    ERR_clear_error();
    if (!key && !asked.is_asked) {
        *ret_why = "is no private key in PEM";
    } else if (!key) {
        *ret_why = phrase.len > 0 ? "cannot be opened with its passphrase"
                                  : "is encrypted, and there is no passphrase";
    } else if (EVP_PKEY_base_id(key) != EVP_PKEY_RSA) {
        *ret_why = "is not an RSA key";
        EVP_PKEY_free(key);
        key = NULL;
    }
    return key;
}

/* False: no memory, or it does not fit. */
static bool put_plain(struct buf *out, EVP_PKEY *key)
{
    char *bytes = NULL;
    BIO *plain = BIO_new(BIO_s_mem());
    bool ok =
        plain && PEM_write_bio_PKCS8PrivateKey(plain, key, NULL, NULL, 0, NULL, NULL);
    long len = ok ? BIO_get_mem_data(plain, &bytes) : 0;
    ok = ok && len > 0 && (size_t)len <= out->cap;
    if (ok) {
        explicit_bzero(out->ptr, out->cap);
        memcpy(out->ptr, bytes, (size_t)len);
        out->len = (size_t)len;
    }
    if (bytes) {
        OPENSSL_cleanse(bytes, (size_t)len);
    }
    BIO_free(plain);
    return ok;
}

bool private_key_open(struct buf *key, struct str phrase, const char **ret_why)
{
    EVP_PKEY *parsed = parse(buf_str(key), phrase, ret_why);
    if (!parsed) {
        return false;
    }
    bool ok = put_plain(key, parsed);
    if (!ok) {
        *ret_why = "cannot be opened: no memory";
    }
    EVP_PKEY_free(parsed);
    return ok;
}
