/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/seal.h"

#include <openssl/err.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "envelope.pb-c.h"
#include "seal/envelope.h"
#include "seal/key.h"
#include "seal/pem.h"
#include "support/check.h"
#include "support/forge.h"

#define SNAPSHOT_TYPE "application/vnd.migctl.snapshot.v1+protobuf"
#define HELLO ((const unsigned char *)"what this host can grant")
#define HELLO_LEN 24

struct world {
    struct fleet *fleet;
    struct mig_key *key; /* agent alpha */
    struct mig_trust *trust;
    struct mig_bytes sealed; /* HELLO by alpha */
};

static struct world *world_new(void)
{
    struct world *w = MIG_NEW(struct world);
    struct mig_error err;

    w->fleet = fleet_new();
    fleet_issue(w->fleet, MIG_ROLE_AGENT, "alpha", 2000000000, 2100000000);
    w->key = fleet_key(w->fleet, "alpha");
    w->trust = fleet_trust(w->fleet, false);
    check_done("seal", mig_seal(w->key, MIG_PAYLOAD_SNAPSHOT, HELLO, HELLO_LEN, &w->sealed, &err),
               &err);
    return w;
}

static void world_free(struct world *w)
{
    mig_bytes_clear(&w->sealed);
    mig_trust_free(w->trust);
    mig_key_free(w->key);
    fleet_free(w->fleet);
    mig_free(w);
}

static void check_opens(const char *label, const struct mig_trust *trust,
                        const struct mig_bytes *sealed)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *p = NULL;
    struct mig_error err;

    check_done(label,
               mig_seal_open(trust, MIG_PAYLOAD_SNAPSHOT, sealed->items, sealed->len, &p, &err),
               &err);
    check_number(label, HELLO_LEN, p->len);
    check_number("error queue", 0, ERR_peek_error());
}

static void check_refused(const char *label, const struct mig_trust *trust,
                          const struct mig_bytes *sealed, enum mig_code code, const char *trouble)
{
    struct mig_payload *p = NULL;
    struct mig_error err = {0};

    check_true(label,
               !mig_seal_open(trust, MIG_PAYLOAD_SNAPSHOT, sealed->items, sealed->len, &p, &err) &&
                   p == NULL);
    check_contains(label, trouble, err.msg);
    check_number(label, code, err.code);
    for (const char *c = err.msg; *c != '\0'; c++) {
        check_true("only printable characters", *c >= ' ' && *c <= '~');
    }
    check_number("error queue", 0, ERR_peek_error());
}

/* The envelope as any other program would make it: by the DSSE text and the
 * generated code, with whatever certificate NAME-cert.pem holds. */
struct by_hand {
    const char *type; /* SNAPSHOT_TYPE when NULL */
    size_t signatures, certs;
    size_t sig_len; /* when not 0: this many bytes of nonsense */
    bool wrong_keyid;
};

static void sign(EVP_PKEY *key, const char *type, unsigned char *sig, size_t *len)
{
    MIG_AUTO(mig_free)
    char *text = mig_strf("DSSEv1 %zu %s %d %.*s", strlen(type), type, HELLO_LEN, HELLO_LEN,
                          (const char *)HELLO);
    const EVP_MD *md = EVP_PKEY_is_a(key, "ED25519")   ? NULL
                       : EVP_PKEY_get_bits(key) == 384 ? EVP_sha384()
                                                       : EVP_sha256();
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    check_true("sign", EVP_DigestSignInit(ctx, NULL, md, NULL, key) == 1 &&
                           EVP_DigestSign(ctx, sig, len, (unsigned char *)text, strlen(text)) == 1);
    EVP_MD_CTX_free(ctx);
}

static struct mig_bytes pack_by_hand(const struct by_hand *how, unsigned char *keyid,
                                     unsigned char *sig, size_t sig_len, struct mig_bytes *der)
{
    size_t certs_len = how->certs == 0 ? 1 : how->certs;
    Migctl__V1__EnvelopeSignature row = MIGCTL__V1__ENVELOPE_SIGNATURE__INIT;
    Migctl__V1__EnvelopeSignature *rows[4] = {&row, &row, &row, &row};
    Migctl__V1__Envelope m;
    ProtobufCBinaryData certs[8];
    unsigned char payload[HELLO_LEN];
    MIG_AUTO(mig_free) char *type = mig_strdup(how->type == NULL ? SNAPSHOT_TYPE : how->type);
    struct mig_bytes out;

    for (size_t i = 0; i < certs_len; i++) {
        certs[i] = (ProtobufCBinaryData){der->len, der->items};
    }
    memcpy(payload, HELLO, HELLO_LEN);
    row.keyid = (ProtobufCBinaryData){32, keyid};
    row.sig = (ProtobufCBinaryData){sig_len, sig};
    row.n_certificates = certs_len;
    row.certificates = certs;
    migctl__v1__envelope__init(&m);
    m.payload_type = type;
    m.payload = (ProtobufCBinaryData){HELLO_LEN, payload};
    m.n_signatures = how->signatures == 0 ? 1 : how->signatures;
    m.signatures = rows;
    out.len = migctl__v1__envelope__get_packed_size(&m);
    out.items = mig_alloc(out.len + 1, 1);
    check_number("packed", out.len, migctl__v1__envelope__pack(&m, out.items));
    return out;
}

static struct mig_bytes seal_by_hand(const struct fleet *f, const char *name,
                                     const struct by_hand *how)
{
    MIG_AUTO(mig_free) char *cert_path = fleet_cert(f, name);
    MIG_AUTO(mig_free) char *key_path = fleet_key_file(f, name);
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;
    MIG_AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes der = {0};
    unsigned char keyid[32], sig[1024] = {1}, *p;
    size_t sig_len = sizeof sig;
    struct mig_error err;

    check_done(name, mig_pem_certificates(cert_path, 4, &certs, &err), &err);
    check_done(name, mig_pem_private_key(key_path, &key, &err), &err);
    der.len = (size_t)i2d_X509(sk_X509_value(certs, 0), NULL);
    der.items = p = mig_alloc(der.len, 1);
    (void)i2d_X509(sk_X509_value(certs, 0), &p);
    mig_certificate_key_id(sk_X509_value(certs, 0), keyid);
    keyid[0] ^= how->wrong_keyid ? 1 : 0;
    sign(key, how->type == NULL ? SNAPSHOT_TYPE : how->type, sig, &sig_len);
    if (how->sig_len != 0) {
        memset(sig, 0x5a, how->sig_len); /* a real one may be just that long */
    }
    return pack_by_hand(how, keyid, sig, how->sig_len == 0 ? sig_len : how->sig_len, &der);
}

CHECK_TEST(what_was_sealed_opens_as_its_kind_and_no_other)
{
    struct world *w = world_new();

    for (unsigned type = 0; type < MIG_PAYLOAD_COUNT; type++) {
        for (unsigned other = 0; other < MIG_PAYLOAD_COUNT; other++) {
            MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
            MIG_AUTO(mig_payload_free) struct mig_payload *p = NULL;
            struct mig_error err = {0};
            bool opened;

            check_done(
                "seal",
                mig_seal(w->key, (enum mig_payload_type)type, HELLO, HELLO_LEN, &sealed, &err),
                &err);
            check_true("recognised", mig_seal_is_envelope(sealed.items, sealed.len));
            opened = mig_seal_open(w->trust, (enum mig_payload_type)other, sealed.items, sealed.len,
                                   &p, &err);
            check_true("opens as its own kind only", opened == (type == other));
            if (!opened) {
                check_contains("names it", "payload type is 'application/vnd.migctl.", err.msg);
                check_contains("names both", "expected 'application/vnd.migctl.", err.msg);
            }
        }
    }
    world_free(w);
}

CHECK_TEST(a_payload_carries_bytes_signer_digest_and_window)
{
    struct world *w = world_new();
    MIG_AUTO(mig_payload_free) struct mig_payload *p = NULL;
    unsigned char again[32];
    struct mig_error err;

    check_done(
        "open",
        mig_seal_open(w->trust, MIG_PAYLOAD_SNAPSHOT, w->sealed.items, w->sealed.len, &p, &err),
        &err);
    check_number("type", MIG_PAYLOAD_SNAPSHOT, p->type);
    check_true("bytes", p->len == HELLO_LEN && memcmp(p->bytes, HELLO, HELLO_LEN) == 0);
    check_text("signer", "alpha", p->signer.name);
    check_number("role", MIG_ROLE_AGENT, p->signer.role);
    check_number("from", 2000000000, (uint64_t)p->valid_from);
    check_number("to", 2100000000, (uint64_t)p->valid_to);
    mig_sha256(HELLO, HELLO_LEN, again);
    check_true("digest", memcmp(p->digest, again, sizeof again) == 0);
    world_free(w);
}

CHECK_TEST(sha256_and_random_are_what_they_say)
{
    /* FIPS 180-2, appendix B.1 */
    static const unsigned char abc[32] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea,
                                          0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22, 0x23,
                                          0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c,
                                          0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad};
    unsigned char got[32], a[16], b[16];

    mig_sha256("abc", 3, got);
    check_true("abc", memcmp(abc, got, sizeof got) == 0);
    mig_random(a, sizeof a);
    mig_random(b, sizeof b);
    check_true("two draws differ", memcmp(a, b, sizeof a) != 0);
}

CHECK_TEST(keys_of_every_accepted_kind_sign)
{
    static const struct {
        const char *name, *kind;
    } cases[] = {
        {"p256", NULL     },
        {"p384", "P-384"  },
        {"ed",   "ED25519"},
        {"rsa",  "RSA3072"}
    };
    struct world *w = world_new();

    CHECK_EACH (c, cases) {
        const struct forge forge = {
            .name = c->name, .kind = c->kind, .san = "URI:mig://agent/other"};
        MIG_AUTO(mig_key_free) struct mig_key *key = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes ours = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes theirs = {0};
        struct mig_error err;

        forge_make(w->fleet, &forge);
        key = fleet_key(w->fleet, c->name);
        check_done(c->name, mig_seal(key, MIG_PAYLOAD_SNAPSHOT, HELLO, HELLO_LEN, &ours, &err),
                   &err);
        check_opens(c->name, w->trust, &ours);
        theirs = seal_by_hand(w->fleet, c->name, &(struct by_hand){0});
        check_opens(c->name, w->trust, &theirs);
    }
    world_free(w);
}

CHECK_TEST(signers_that_may_not_sign_are_refused)
{
    static const struct {
        struct forge forge;
        const char *trouble;
    } cases[] = {
        {{.name = "none"},                                                       "carries no identity"        },
        {{.name = "two", .san = "URI:mig://agent/a,URI:mig://agent/b"},          "two identities"             },
        {{.name = "king", .san = "URI:mig://king/a"},                            "unknown role 'king'"        },
        {{.name = "usage", .san = "URI:mig://agent/a", .usage = "keyAgreement"},
         "may not make digital signatures"                                                                    },
        {{.name = "isca",
          .san = "URI:mig://agent/a",
          .basic = "critical,CA:TRUE",
          .usage = "digitalSignature,keyCertSign"},
         "is an authority's"                                                                                  },
        {{.name = "p521", .kind = "P-521", .san = "URI:mig://agent/a"},          "EC 521 bits"                },
        {{.name = "rsa2048", .kind = "RSA2048", .san = "URI:mig://agent/a"},     "RSA 2048 bits"              },
        {{.name = "self", .san = "URI:mig://agent/a", .by = "self"},             "unknown authority 'CN=self'"},
        {{.name = "grandchild", .san = "URI:mig://agent/a", .by = "isca"},       "unknown authority"          },
        {{.name = "tty\033[2J", .san = "DNS:a"},                                 "tty"                        },
    };
    struct world *w = world_new();

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};

        forge_make(w->fleet, &c->forge);
        sealed = seal_by_hand(w->fleet, c->forge.name, &(struct by_hand){0});
        check_refused(c->forge.name, w->trust, &sealed, MIG_TRUST, c->trouble);
    }
    world_free(w);
}

CHECK_TEST(odd_envelopes_are_refused_by_name)
{
    static const struct {
        const char *label;
        struct by_hand how;
        enum mig_code code;
        const char *trouble;
    } cases[] = {
        {"other type",
         {.type = "application/vnd.migctl.pizza"},
         MIG_TRUST,                                                                     "payload type is 'application/vnd.migctl.pizza', expected '" SNAPSHOT_TYPE "'"},
        {"type with escape code",
         {.type = "application/vnd.migctl.\033[2J"},
         MIG_TRUST,                                                                     "migctl.?[2J'"                                                                },
        {"type goes on",          {.type = SNAPSHOT_TYPE "x"},              MIG_TRUST,  "protobufx'"                                                                  },
        {"foreign type",          {.type = "application/vnd.in-toto+json"}, MIG_FORMAT, "not an envelope"                                                             },
        {"two signatures",        {.signatures = 2},                        MIG_TRUST,  "has 2 signatures, expected exactly one"                                      },
        {"three signatures",      {.signatures = 3},                        MIG_LIMIT,  "more than 2 signatures"                                                      },
        {"five certificates",     {.certs = 5},                             MIG_LIMIT,  "more than 4 certificates"                                                    },
        {"long signature",        {.sig_len = 513},                         MIG_LIMIT,  "513 bytes, expected 1 to 512"                                                },
        {"nonsense signature",    {.sig_len = 70},                          MIG_TRUST,  "signature does not match the payload"                                        },
        {"wrong key id",          {.wrong_keyid = true},                    MIG_TRUST,  "names another key"                                                           },
    };
    struct world *w = world_new();

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear)
        struct mig_bytes sealed = seal_by_hand(w->fleet, "alpha", &c->how);

        check_refused(c->label, w->trust, &sealed, c->code, c->trouble);
    }
    world_free(w);
}

CHECK_TEST(every_cut_and_every_extra_byte_is_refused)
{
    struct world *w = world_new();
    MIG_AUTO(mig_bytes_clear) struct mig_bytes longer = {0};

    for (size_t len = 1; len < w->sealed.len; len++) {
        MIG_AUTO(mig_free) char *copy = mig_memdup(w->sealed.items, len);
        const struct mig_bytes cut = {(unsigned char *)copy, len};

        check_refused("cut", w->trust, &cut, MIG_FORMAT, "envelope");
    }
    longer.items = mig_alloc(w->sealed.len + 1, 1);
    longer.len = w->sealed.len + 1;
    memcpy(longer.items, w->sealed.items, w->sealed.len);
    for (unsigned byte = 0; byte < 256; byte++) {
        longer.items[w->sealed.len] = (unsigned char)byte;
        check_refused("longer", w->trust, &longer, MIG_FORMAT, "envelope");
    }
    world_free(w);
}

CHECK_TEST(any_flipped_bit_is_refused)
{
    struct world *w = world_new();
    struct mig_envelope e;
    struct mig_error err;
    size_t matched = 0;

    check_done("parse", mig_envelope_parse(w->sealed.items, w->sealed.len, &e, &err), &err);
    for (size_t i = 0; i < w->sealed.len; i++) {
        const unsigned char *at = w->sealed.items + i;
        const struct mig_span *sig = &e.signatures[0].sig;
        bool covered = (at >= e.payload.bytes && at < e.payload.bytes + e.payload.len) ||
                       (at >= sig->bytes && at < sig->bytes + sig->len);

        for (unsigned bit = covered ? 0 : i % 8; bit < (covered ? 8 : i % 8 + 1); bit++) {
            struct mig_payload *p = NULL;

            w->sealed.items[i] ^= (unsigned char)(1u << bit);
            check_true("flipped", !mig_seal_open(w->trust, MIG_PAYLOAD_SNAPSHOT, w->sealed.items,
                                                 w->sealed.len, &p, &err));
            check_number("error queue", 0, ERR_peek_error());
            if (covered) {
                check_text("flipped", "signature does not match the payload", err.msg);
                matched++;
            }
            w->sealed.items[i] ^= (unsigned char)(1u << bit);
        }
    }
    check_number("bits of payload and signature", 8 * (e.payload.len + e.signatures[0].sig.len),
                 matched);
    check_opens("unflipped", w->trust, &w->sealed);
    world_free(w);
}

CHECK_TEST(sizes_are_bounded_on_both_sides)
{
    struct world *w = world_new();
    MIG_AUTO(mig_free) char *big = mig_alloc(MIG_SEALED_MAX + 1, 1);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    const struct mig_bytes oversized = {(unsigned char *)big, MIG_SEALED_MAX + 1};
    size_t fits = MIG_SEALED_MAX - 2048;
    struct mig_payload *p = NULL;
    struct mig_error err = {0};

    memcpy(big, w->sealed.items, w->sealed.len);
    check_refused("oversized", w->trust, &oversized, MIG_LIMIT, "more than 786432");
    check_true("nothing", !mig_seal(w->key, MIG_PAYLOAD_SNAPSHOT, HELLO, 0, &sealed, &err));
    check_number("nothing", MIG_LIMIT, err.code);
    check_true("too much", !mig_seal(w->key, MIG_PAYLOAD_SNAPSHOT, oversized.items, MIG_SEALED_MAX,
                                     &sealed, &err));
    check_contains("too much", "more than 786432", err.msg);
    check_done("large",
               mig_seal(w->key, MIG_PAYLOAD_SNAPSHOT, oversized.items, fits, &sealed, &err), &err);
    check_done("large",
               mig_seal_open(w->trust, MIG_PAYLOAD_SNAPSHOT, sealed.items, sealed.len, &p, &err),
               &err);
    check_number("large", fits, p->len);
    mig_payload_free(p);
    world_free(w);
}

CHECK_TEST(another_authority_is_unknown_even_under_the_same_name)
{
    struct world *w = world_new();
    struct fleet *stranger = fleet_new(); /* its authority has the same name */
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = fleet_trust(stranger, false);

    check_refused("stranger", trust, &w->sealed, MIG_TRUST,
                  "certificate 'CN=alpha' is from an unknown authority 'CN=Test Fleet CA' (key ");
    fleet_free(stranger);
    world_free(w);
}

CHECK_TEST(two_authorities_serve_during_a_roll_over)
{
    struct world *w = world_new();
    struct fleet *next = fleet_new();
    MIG_AUTO(mig_bytes_clear) struct mig_bytes old_ca = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes new_ca = {0};
    MIG_AUTO(mig_free) char *path = fleet_path(w->fleet, "bundle.pem");
    MIG_AUTO(mig_free) char *text = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_trust_free) struct mig_trust *both = NULL;
    MIG_AUTO(mig_trust_free) struct mig_trust *listed = NULL;
    struct mig_error err;

    fleet_issue(next, MIG_ROLE_AGENT, "beta", 0, 0);
    sealed = seal_by_hand(next, "beta", &(struct by_hand){0});
    check_refused("before", w->trust, &sealed, MIG_TRUST, "unknown authority");
    check_done("old", mig_file_read(w->fleet->ca, 65536, &old_ca, &err), &err);
    check_done("new", mig_file_read(next->ca, 65536, &new_ca, &err), &err);
    text = mig_strf("%s%s", (char *)old_ca.items, (char *)new_ca.items);
    check_done("bundle", mig_file_write(path, text, strlen(text), 0644, &err), &err);
    check_done("bundle", mig_trust_load(path, NULL, &both, &err), &err);
    check_opens("old", both, &w->sealed);
    check_opens("new", both, &sealed);
    /* A list of the old authority says nothing about the new one. */
    check_done("listed", mig_trust_load(path, w->fleet->crl, &listed, &err), &err);
    check_opens("old", listed, &w->sealed);
    check_refused("new", listed, &sealed, MIG_TRUST, "the revocation lists hold none of");
    fleet_free(next);
    world_free(w);
}

CHECK_TEST(a_revoked_signer_is_refused)
{
    struct world *w = world_new();
    MIG_AUTO(mig_trust_free) struct mig_trust *before = fleet_trust(w->fleet, true);
    MIG_AUTO(mig_trust_free) struct mig_trust *after = NULL;

    check_opens("before", before, &w->sealed);
    fleet_revoke(w->fleet, "alpha");
    after = fleet_trust(w->fleet, true);
    check_refused("after", after, &w->sealed, MIG_TRUST,
                  "certificate 'CN=alpha' was revoked by 'CN=Test Fleet CA'");
    world_free(w);
}

CHECK_TEST(the_window_is_what_the_whole_chain_shares)
{
    static const struct {
        const char *name;
        int64_t from, to, expect_from, expect_to;
    } cases[] = {
        {"inside",  1500000000, 1600000000, 1500000000, 1600000000},
        {"past",    1000000000, 1000000001, 1000000000, 1000000001},
        {"future",  4000000000, FLEET_TO,   4000000000, FLEET_TO  },
        {"earlier", -1000,      1000,       FLEET_FROM, 1000      },
    };
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = fleet_trust(f, true);

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
        struct mig_payload *p = NULL;
        struct mig_error err;

        fleet_issue(f, MIG_ROLE_AGENT, c->name, c->from, c->to);
        sealed = seal_by_hand(f, c->name, &(struct by_hand){0});
        check_done(c->name,
                   mig_seal_open(trust, MIG_PAYLOAD_SNAPSHOT, sealed.items, sealed.len, &p, &err),
                   &err);
        check_number(c->name, (uint64_t)c->expect_from, (uint64_t)p->valid_from);
        check_number(c->name, (uint64_t)c->expect_to, (uint64_t)p->valid_to);
        mig_payload_free(p);
    }
    fleet_free(f);
}

CHECK_TEST(intermediates_travel_with_the_signature)
{
    static const struct forge root = {
        .name = "root", .by = "root", .basic = "critical,CA:TRUE", .usage = "keyCertSign"};
    static const struct forge middle = {.name = "middle",
                                        .by = "root",
                                        .chain = false,
                                        .basic = "critical,CA:TRUE,pathlen:0",
                                        .usage = "keyCertSign"};
    static const struct forge leaf = {
        .name = "leaf", .by = "middle", .chain = true, .san = "URI:mig://operator/ann"};
    static const struct forge plain = {
        .name = "plain", .by = "middle", .san = "URI:mig://operator/ann"};
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_free) char *root_file = NULL;
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    MIG_AUTO(mig_key_free) struct mig_key *key = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes alone = {0};
    struct mig_error err;

    forge_make(f, &root);
    forge_make(f, &middle);
    forge_make(f, &leaf);
    forge_make(f, &plain);
    root_file = fleet_cert(f, "root");
    check_done("trust", mig_trust_load(root_file, NULL, &trust, &err), &err);
    key = fleet_key(f, "leaf");
    check_done("seal", mig_seal(key, MIG_PAYLOAD_SNAPSHOT, HELLO, HELLO_LEN, &sealed, &err), &err);
    check_opens("with intermediate", trust, &sealed);
    alone = seal_by_hand(f, "plain", &(struct by_hand){0});
    check_refused("without", trust, &alone, MIG_TRUST, "unknown authority 'CN=middle'");
    fleet_free(f);
}

CHECK_TEST(trust_files_are_checked_when_loaded)
{
    struct world *w = world_new();
    MIG_AUTO(mig_free) char *leaf = fleet_cert(w->fleet, "alpha");
    MIG_AUTO(mig_free) char *key = fleet_key_file(w->fleet, "alpha");
    MIG_AUTO(mig_free) char *none = fleet_path(w->fleet, "none.pem");
    const struct {
        const char *label, *ca, *crl, *trouble;
        enum mig_code code;
    } cases[] = {
        {"missing",      none,          NULL, "none.pem: No such file",                       MIG_IO    },
        {"a leaf",       leaf,          NULL, "certificate 'CN=alpha' is not an authority's", MIG_TRUST },
        {"a key",        key,           NULL, "no certificate in it",                         MIG_FORMAT},
        {"list missing", w->fleet->ca,  none, "none.pem: No such file",                       MIG_IO    },
        {"no list",      w->fleet->ca,  leaf, "no revocation list in it",                     MIG_FORMAT},
        {"a folder",     w->fleet->dir, NULL, "Is a directory",                               MIG_IO    },
    };

    CHECK_EACH (c, cases) {
        struct mig_trust *trust = NULL;
        struct mig_error err = {0};

        check_true(c->label, !mig_trust_load(c->ca, c->crl, &trust, &err) && trust == NULL);
        check_contains(c->label, c->trouble, err.msg);
        check_number(c->label, c->code, err.code);
        check_number("error queue", 0, ERR_peek_error());
    }
    world_free(w);
}

CHECK_TEST(generated_code_reads_the_same_envelope)
{
    struct world *w = world_new();
    Migctl__V1__Envelope *m = migctl__v1__envelope__unpack(NULL, w->sealed.len, w->sealed.items);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};

    check_true("unpacks", m != NULL && m->n_signatures == 1);
    check_text("type", SNAPSHOT_TYPE, m->payload_type);
    check_true("payload",
               m->payload.len == HELLO_LEN && memcmp(m->payload.data, HELLO, HELLO_LEN) == 0);
    again.len = migctl__v1__envelope__get_packed_size(m);
    again.items = mig_alloc(again.len, 1);
    (void)migctl__v1__envelope__pack(m, again.items);
    check_true("same bytes",
               again.len == w->sealed.len && memcmp(again.items, w->sealed.items, again.len) == 0);
    migctl__v1__envelope__free_unpacked(m, NULL);
    world_free(w);
}

/* @sealed by whoever signed it, and then by @name. */
static struct mig_bytes add_signature(const struct world *w, const char *name,
                                      const struct mig_bytes *sealed)
{
    MIG_AUTO(mig_key_free) struct mig_key *key = fleet_key(w->fleet, name);
    struct mig_bytes ret = {0};
    struct mig_error err;

    check_done(name, mig_seal_add(key, sealed->items, sealed->len, &ret, &err), &err);
    return ret;
}

CHECK_TEST(a_second_signature_stands_beside_the_first)
{
    struct world *w = world_new();
    MIG_AUTO(mig_bytes_clear) struct mig_bytes pair = {0}, more = {0};
    MIG_AUTO(mig_payload_free) struct mig_payload *p = NULL;
    struct mig_error err;

    fleet_issue(w->fleet, MIG_ROLE_AGENT, "beta", 2010000000, 2090000000);
    pair = add_signature(w, "beta", &w->sealed);
    check_done("both",
               mig_seal_open_pair(w->trust, MIG_PAYLOAD_SNAPSHOT, pair.items, pair.len, &p, &err),
               &err);
    check_text("first", "alpha", p->signer.name);
    check_text("second", "beta", p->cosigner.name);
    check_number("window of both begins", 2010000000, (uint64_t)p->valid_from);
    check_number("and ends", 2090000000, (uint64_t)p->valid_to);
    check_true("payload", p->len == HELLO_LEN && memcmp(p->bytes, HELLO, HELLO_LEN) == 0);
    check_refused("two where one is wanted", w->trust, &pair, MIG_TRUST, "expected exactly one");
    check_true("a third", !mig_seal_add(w->key, pair.items, pair.len, &more, &err));
    check_contains("a third", "has 2 signatures already", err.msg);
    world_free(w);
}

static void check_pair_refused(const char *label, const struct world *w,
                               const struct mig_bytes *sealed, const char *trouble)
{
    struct mig_payload *p = NULL;
    struct mig_error err = {0};

    check_true(label, !mig_seal_open_pair(w->trust, MIG_PAYLOAD_SNAPSHOT, sealed->items,
                                          sealed->len, &p, &err) &&
                          p == NULL);
    check_contains(label, trouble, err.msg);
    check_number(label, MIG_TRUST, err.code);
}

CHECK_TEST(two_signatures_are_of_two_and_both_count)
{
    struct world *w = world_new();
    MIG_AUTO(mig_bytes_clear) struct mig_bytes same = {0}, pair = {0};
    size_t last;

    fleet_issue(w->fleet, MIG_ROLE_AGENT, "beta", 2000000000, 2100000000);
    check_pair_refused("one", w, &w->sealed, "has 1 signature, expected exactly two");
    same = add_signature(w, "alpha", &w->sealed);
    check_pair_refused("alpha twice", w, &same, "both signatures are by agent/alpha");
    pair = add_signature(w, "beta", &w->sealed);
    last = pair.len - w->sealed.len; /* what was added: key id, signature, certificate */
    pair.items[w->sealed.len + 2 + 34 + 6] ^= 1;
    check_true("there is a second", last > 48);
    check_pair_refused("the second is damaged", w, &pair, "signature 2");
    world_free(w);
}

CHECK_MAIN(cmocka_unit_test(what_was_sealed_opens_as_its_kind_and_no_other),
           cmocka_unit_test(a_payload_carries_bytes_signer_digest_and_window),
           cmocka_unit_test(sha256_and_random_are_what_they_say),
           cmocka_unit_test(keys_of_every_accepted_kind_sign),
           cmocka_unit_test(signers_that_may_not_sign_are_refused),
           cmocka_unit_test(odd_envelopes_are_refused_by_name),
           cmocka_unit_test(every_cut_and_every_extra_byte_is_refused),
           cmocka_unit_test(any_flipped_bit_is_refused),
           cmocka_unit_test(sizes_are_bounded_on_both_sides),
           cmocka_unit_test(another_authority_is_unknown_even_under_the_same_name),
           cmocka_unit_test(two_authorities_serve_during_a_roll_over),
           cmocka_unit_test(a_revoked_signer_is_refused),
           cmocka_unit_test(the_window_is_what_the_whole_chain_shares),
           cmocka_unit_test(intermediates_travel_with_the_signature),
           cmocka_unit_test(trust_files_are_checked_when_loaded),
           cmocka_unit_test(generated_code_reads_the_same_envelope),
           cmocka_unit_test(a_second_signature_stands_beside_the_first),
           cmocka_unit_test(two_signatures_are_of_two_and_both_count))
