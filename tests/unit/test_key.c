/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "seal/pem.h"
#include "support/check.h"
#include "support/forge.h"

CHECK_TEST(a_key_knows_whose_it_is_and_when)
{
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_key_free) struct mig_key *key = NULL;
    const struct mig_bytes *chain = NULL;
    int64_t from = 0, to = 0;

    /* Long expired: loading is fine, using it is the peers' affair. */
    fleet_issue(f, MIG_ROLE_OPERATOR, "ann", 1000000000, 1000086400);
    key = fleet_key(f, "ann");
    check_text("name", "ann", mig_key_identity(key)->name);
    check_number("role", MIG_ROLE_OPERATOR, mig_key_identity(key)->role);
    mig_key_validity(key, &from, &to);
    check_number("from", 1000000000, (uint64_t)from);
    check_number("to", 1000086400, (uint64_t)to);
    check_number("chain", 1, mig_key_chain(key, &chain));
    check_number("DER", 0x30, chain[0].items[0]);
    check_number("error queue", 0, ERR_peek_error());
    fleet_free(f);
}

/* Rewrite the key of @name with a passphrase. */
static void encrypt(const struct fleet *f, const char *name)
{
    MIG_AUTO(mig_free) char *path = fleet_key_file(f, name);
    MIG_AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
    char passphrase[] = "sesame";
    struct mig_error err;
    FILE *out;

    check_done(name, mig_pem_private_key(path, &key, &err), &err);
    out = fopen(path, "we");
    check_true(path, out != NULL && PEM_write_PKCS8PrivateKey(out, key, EVP_aes_256_cbc(),
                                                              passphrase, 6, NULL, NULL) == 1);
    check_true(path, fclose(out) == 0);
}

static void write_text(const struct fleet *f, const char *file, const char *text, mode_t mode)
{
    MIG_AUTO(mig_free) char *path = fleet_path(f, file);
    struct mig_error err;

    check_done(file, mig_file_write(path, text, strlen(text), mode, &err), &err);
}

/* Both files of one identity behind each other, as some tools keep them. */
static void join(const struct fleet *f, const char *a, const char *b, const char *to)
{
    MIG_AUTO(mig_free) char *first = fleet_path(f, a);
    MIG_AUTO(mig_free) char *second = fleet_path(f, b);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes one = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes two = {0};
    MIG_AUTO(mig_free) char *text = NULL;
    struct mig_error err;

    check_done(a, mig_file_read(first, 1u << 20, &one, &err), &err);
    check_done(b, mig_file_read(second, 1u << 20, &two, &err), &err);
    text = mig_strf("%s%s", (char *)one.items, (char *)two.items);
    write_text(f, to, text, 0600);
}

static struct fleet *fleet_with_faults(void)
{
    static const struct forge forged[] = {
        {.name = "nobody"           },
        { .name = "usage", .san = "URI:mig://agent/a", .usage = "keyAgreement"},
        {    .name = "p521",  .kind = "P-521", .san = "URI:mig://agent/a"},
    };
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_free) char *large = mig_alloc(MIG_PEM_KEY_MAX + 2, 1);

    fleet_issue(f, MIG_ROLE_AGENT, "alpha", 0, 0);
    fleet_issue(f, MIG_ROLE_AGENT, "beta", 0, 0);
    fleet_issue(f, MIG_ROLE_AGENT, "secret", 0, 0);
    encrypt(f, "secret");
    CHECK_EACH (forge, forged) {
        forge_make(f, forge);
    }
    memset(large, '\n', MIG_PEM_KEY_MAX + 1);
    write_text(f, "large", large, 0600);
    write_text(f, "empty", "", 0600);
    write_text(f, "noise", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", 0600);
    write_text(f, "bad", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0600);
    join(f, "alpha-key.pem", "empty", "open640");
    join(f, "alpha-key.pem", "empty", "open604");
    join(f, "alpha-cert.pem", "alpha-key.pem", "joined");
    join(f, "alpha-cert.pem", "beta-cert.pem", "two");
    join(f, "two", "two", "four");
    join(f, "four", "alpha-cert.pem", "five");
    return f;
}

CHECK_TEST(unusable_files_are_refused_by_name)
{
    static const struct {
        const char *label, *cert, *key;
        enum mig_code code;
        const char *trouble; /* NULL: loads */
    } cases[] = {
        {"good",                "alpha-cert.pem",  "alpha-key.pem",  MIG_OK,     NULL                            },
        {"both in one file",    "joined",          "joined",         MIG_OK,     NULL                            },
        {"four certificates",   "four",            "alpha-key.pem",  MIG_OK,     NULL                            },
        {"five certificates",   "five",            "alpha-key.pem",  MIG_LIMIT,  "five: more than 4 certificates"},
        {"no certificate",      "missing",         "alpha-key.pem",  MIG_IO,     "missing: No such file"         },
        {"no key",              "alpha-cert.pem",  "missing",        MIG_IO,     "missing: No such file"         },
        {"empty certificate",   "empty",           "alpha-key.pem",  MIG_FORMAT, "empty: no certificate in it"   },
        {"empty key",           "alpha-cert.pem",  "empty",          MIG_FORMAT, "empty: no private key in it"   },
        {"damaged certificate", "bad",             "alpha-key.pem",  MIG_FORMAT,
         "bad: certificate 1 is damaged"                                                                         },
        {"damaged key",         "alpha-cert.pem",  "noise",          MIG_FORMAT, "noise: private key is damaged" },
        {"large key",           "alpha-cert.pem",  "large",          MIG_LIMIT,  "large: larger than 16384"      },
        {"folder as key",       "alpha-cert.pem",  ".",              MIG_IO,     "must be a regular file"        },
        {"certificate as key",  "alpha-cert.pem",  "two",            MIG_FORMAT, "two: no private key in it"     },
        {"key as certificate",  "alpha-key.pem",   "alpha-key.pem",  MIG_FORMAT,
         "no certificate in it"                                                                                  },
        {"group may read",      "alpha-cert.pem",  "open640",        MIG_TRUST,  "mode 0640"                     },
        {"others may read",     "alpha-cert.pem",  "open604",        MIG_TRUST,  "mode 0604"                     },
        {"encrypted",           "secret-cert.pem", "secret-key.pem", MIG_FORMAT,
         "secret-key.pem: private key is encrypted"                                                              },
        {"another's key",       "alpha-cert.pem",  "beta-key.pem",   MIG_TRUST,
         "beta-key.pem: private key does not belong to"                                                          },
        {"no identity",         "nobody-cert.pem", "nobody-key.pem", MIG_TRUST,
         "nobody-cert.pem: certificate 'CN=nobody' carries no identity"                                          },
        {"wrong use",           "usage-cert.pem",  "usage-key.pem",  MIG_TRUST,
         "may not make digital signatures"                                                                       },
        {"odd key",             "p521-cert.pem",   "p521-key.pem",   MIG_TRUST,  "kind 'EC 521 bits'"            },
        {"authority",           "ca-cert.pem",     "ca-key.pem",     MIG_TRUST,  "is an authority's"             },
    };
    struct fleet *f = fleet_with_faults();
    MIG_AUTO(mig_free) char *group = fleet_path(f, "open640");
    MIG_AUTO(mig_free) char *others = fleet_path(f, "open604");

    check_true("mode", chmod(group, 0640) == 0 && chmod(others, 0604) == 0);
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *cert = fleet_path(f, c->cert);
        MIG_AUTO(mig_free) char *key_file = fleet_path(f, c->key);
        MIG_AUTO(mig_key_free) struct mig_key *key = NULL;
        struct mig_error err = {0};
        bool good = mig_key_load(cert, key_file, &key, &err);

        check_number("error queue", 0, ERR_peek_error());
        if (c->trouble == NULL) {
            check_done(c->label, good, &err);
            continue;
        }
        check_true(c->label, !good && key == NULL);
        check_contains(c->label, c->trouble, err.msg);
        check_number(c->label, c->code, err.code);
    }
    fleet_free(f);
}

CHECK_MAIN(cmocka_unit_test(a_key_knows_whose_it_is_and_when),
           cmocka_unit_test(unusable_files_are_refused_by_name))
