// SPDX-License-Identifier: Apache-2.0
/* Keys to log in with: opened by the worker, whose driver never sees a passphrase. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "worker/private_key.h"
#include "worker/secret.h"
#include "worker_rig.h"

#define PHRASE "open sesame"

enum form {
    PLAIN,
    ENCRYPTED,
    TRADITIONAL
};

static EVP_PKEY *rsa;
static EVP_PKEY *other;

static int make_keys(void **state)
{
    (void)state;
    rsa = EVP_RSA_gen(2048);
    other = EVP_EC_gen("P-256");
    return rsa && other ? 0 : -1;
}

static int free_keys(void **state)
{
    (void)state;
    EVP_PKEY_free(rsa);
    EVP_PKEY_free(other);
    return 0;
}

static struct buf pem_of(EVP_PKEY *key, enum form form)
{
    static char phrase[] = PHRASE;
    struct buf pem;
    char *bytes = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    assert_non_null(out);
    if (form == TRADITIONAL) {
        assert_int_equal(
            PEM_write_bio_PrivateKey_traditional(out, key, NULL, NULL, 0, NULL, NULL), 1);
    } else {
        assert_int_equal(PEM_write_bio_PKCS8PrivateKey(out, key,
                             form == ENCRYPTED ? EVP_aes_256_cbc() : NULL, NULL, 0, NULL,
                             form == ENCRYPTED ? phrase : NULL),
            1);
    }
    long len = BIO_get_mem_data(out, &bytes);
    assert_true(secret_buf(&pem));
    buf_put(&pem, bytes, (size_t)len);
    BIO_free(out);
    return pem;
}

static void assert_opens(enum form form, struct str phrase)
{
    const char *why = "";
    struct buf want = pem_of(rsa, PLAIN);
    struct buf pem = pem_of(rsa, form);
    char *at = pem.ptr;
    if (!private_key_open(&pem, phrase, &why)) {
        fail_msg("%s", why);
    }
    assert_ptr_equal(pem.ptr, at);
    assert_int_equal(pem.len, want.len);
    assert_memory_equal(pem.ptr, want.ptr, want.len);
    secret_free(&pem);
    secret_free(&want);
}

static void assert_refuses(struct buf pem, struct str phrase, const char *want)
{
    const char *why = "";
    assert_false(private_key_open(&pem, phrase, &why));
    assert_string_equal(why, want);
    secret_free(&pem);
}

static void a_key_comes_out_plain_whatever_its_form(void **state)
{
    (void)state;
    assert_opens(PLAIN, STR(""));
    assert_opens(PLAIN, STR("not needed"));
    assert_opens(TRADITIONAL, STR(""));
    assert_opens(ENCRYPTED, STR(PHRASE));
}

static void what_cannot_be_opened_says_why(void **state)
{
    struct buf none;
    (void)state;
    assert_refuses(
        pem_of(rsa, ENCRYPTED), STR("wrong"), "cannot be opened with its passphrase");
    assert_refuses(
        pem_of(rsa, ENCRYPTED), STR(""), "is encrypted, and there is no passphrase");
    assert_refuses(pem_of(other, PLAIN), STR(""), "is not an RSA key");
    assert_true(secret_buf(&none));
    buf_puts(&none, "hunter2");
    assert_refuses(none, STR(""), "is no private key in PEM");
}

static enum wire_kind set_up_with(
    struct rig *rig, const char *const options[][2], size_t count)
{
    struct buf out = BUF_INIT(WIRE_PACKET_MAX);
    struct wire_writer writer = wire_begin(&out, WIRE_SETUP, 0);
    wire_str(&writer, str_of(getenv("SNOWMUX_FAKE_DRIVER")));
    wire_str(&writer, STR("AdbcDriverFakeInit"));
    wire_u32(&writer, (uint32_t)count);
    for (size_t i = 0; i < count; i++) {
        wire_str(&writer, str_of(options[i][0]));
        wire_str(&writer, str_of(options[i][1]));
        wire_u32(&writer, WIRE_VALUE);
    }
    wire_u32(&writer, 0);
    for (int i = 0; i < 3; i++) { /* no statements, no paths; not confined */
        wire_u32(&writer, 0);
    }
    control_send(rig, &out, &writer, -1);
    return control_read(rig);
}

/* The scripted driver fails where it is given a passphrase, or a key that is encrypted.
 */
static void the_driver_gets_the_key_and_no_passphrase(void **state)
{
    struct buf pem = pem_of(rsa, ENCRYPTED);
    struct rig rig;
    (void)state;
    buf_putc(&pem, '\0');
    const char *const options[][2] = {
        {PRIVATE_KEY_PHRASE_OPTION, PHRASE}, {PRIVATE_KEY_OPTION, pem.ptr}};
    rig_start(&rig);
    assert_int_equal(set_up_with(&rig, options, 2), WIRE_READY);
    assert_int_equal(rig_stop(&rig), 0);
    rig_start(&rig);
    assert_int_equal(set_up_with(&rig, options + 1, 1), WIRE_FAILED);
    struct wire_reader reader = wire_reader_of(&rig.frame);
    assert_str(wire_get_str(&reader),
        "option " PRIVATE_KEY_OPTION
        ": the key is encrypted, and there is no passphrase");
    assert_int_equal(rig_stop(&rig), 0);
    secret_free(&pem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_comes_out_plain_whatever_its_form),
        cmocka_unit_test(what_cannot_be_opened_says_why),
        cmocka_unit_test(the_driver_gets_the_key_and_no_passphrase),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
