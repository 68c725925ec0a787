/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/seal.h"

#include <openssl/err.h>

#include "base/alloc.h"
#include "seal/key.h"
#include "support/check.h"
#include "support/fleet.h"
#include "support/prop.h"

#define PAYLOAD_MAX 2000

struct world {
    struct fleet *fleet;
    struct mig_key *key;
    struct mig_trust *trust;
    struct prop prop;
};

static struct world world_new(const char *label)
{
    struct world w = {.fleet = fleet_new()};

    prop_init(&w.prop, label);
    fleet_issue(w.fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    w.key = fleet_key(w.fleet, "alpha");
    w.trust = fleet_trust(w.fleet, true);
    return w;
}

static void world_clear(struct world *w)
{
    mig_trust_free(w->trust);
    mig_key_free(w->key);
    fleet_free(w->fleet);
}

/* 1 to PAYLOAD_MAX random bytes, sealed. */
static void draw(struct world *w, struct mig_bytes *payload, enum mig_payload_type *type,
                 struct mig_bytes *sealed)
{
    struct mig_error err;

    *type = (enum mig_payload_type)prop_below(&w->prop, MIG_PAYLOAD_COUNT);
    payload->len = 1 + prop_below(&w->prop, PAYLOAD_MAX);
    payload->items = mig_alloc(payload->len, 1);
    for (size_t i = 0; i < payload->len; i++) {
        payload->items[i] = (unsigned char)prop_next(&w->prop);
    }
    check_done("seal", mig_seal(w->key, *type, payload->items, payload->len, sealed, &err), &err);
}

CHECK_TEST(what_is_sealed_opens_to_the_same_bytes)
{
    struct world w = world_new("seal opens");

    for (unsigned run = prop_runs(300); run > 0; run--) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
        MIG_AUTO(mig_payload_free) struct mig_payload *p = NULL;
        enum mig_payload_type type;
        struct mig_error err;

        draw(&w, &payload, &type, &sealed);
        check_done("open", mig_seal_open(w.trust, type, sealed.items, sealed.len, &p, &err), &err);
        check_true("bytes", p->type == type && p->len == payload.len &&
                                memcmp(p->bytes, payload.items, p->len) == 0);
    }
    world_clear(&w);
}

CHECK_TEST(any_change_to_an_envelope_is_refused)
{
    struct world w = world_new("seal refuses");

    for (unsigned run = prop_runs(300); run > 0; run--) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
        struct mig_payload *p = NULL;
        enum mig_payload_type type;
        struct mig_error err;
        size_t len, at;

        draw(&w, &payload, &type, &sealed);
        len = prop_once_in(&w.prop, 8) ? prop_below(&w.prop, sealed.len) : sealed.len;
        at = prop_below(&w.prop, sealed.len);
        if (len == sealed.len) {
            sealed.items[at] ^= (unsigned char)(1u << prop_below(&w.prop, 8));
        }
        check_true("refused", !mig_seal_open(w.trust, type, sealed.items, len, &p, &err));
        check_true("with a reason", err.msg[0] != '\0' && p == NULL);
        check_number("error queue", 0, ERR_peek_error());
    }
    world_clear(&w);
}

CHECK_TEST(noise_never_opens)
{
    struct world w = world_new("seal noise");

    for (unsigned run = prop_runs(1000); run > 0; run--) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
        struct mig_payload *p = NULL;
        enum mig_payload_type type;
        struct mig_error err;

        draw(&w, &payload, &type, &sealed);
        /* Several bytes: lengths and contents may fit each other again. */
        for (uint64_t n = 1 + prop_below(&w.prop, 20); n > 0; n--) {
            sealed.items[prop_below(&w.prop, sealed.len)] ^=
                (unsigned char)(1 + prop_below(&w.prop, 255));
        }
        if (mig_seal_open(w.trust, type, sealed.items, sealed.len, &p, &err)) {
            /* Two changes of one byte may have cancelled out. */
            check_true("unchanged",
                       p->len == payload.len && memcmp(p->bytes, payload.items, p->len) == 0);
            mig_payload_free(p);
        }
    }
    world_clear(&w);
}

CHECK_MAIN(cmocka_unit_test(what_is_sealed_opens_to_the_same_bytes),
           cmocka_unit_test(any_change_to_an_envelope_is_refused),
           cmocka_unit_test(noise_never_opens))
