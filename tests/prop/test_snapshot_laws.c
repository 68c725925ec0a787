/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laws of the snapshot itself over random ones: every form gives it back, and
 * a flipped bit on the wire never passes for the same content.
 */
#include "base/alloc.h"
#include "snapshot/codec.h"
#include "snapshot/json.h"
#include "snapshot/normalise.h"
#include "support/check.h"
#include "support/prop.h"
#include "support/snapshots.h"

static void add_stamp(struct mig_snapshot *s, struct prop *p)
{
    s->stamp.sequence = prop_next(p) >> 1;
    s->stamp.issued_at = (int64_t)(prop_next(p) >> 20);
    s->stamp.expires_at = s->stamp.issued_at + 300;
    s->stamp.replayed = prop_once_in(p, 2);
    s->stamp.table_version = (uint32_t)prop_below(p, 3);
    s->stamp.has_nonce = prop_once_in(p, 2);
    for (size_t i = 0; s->stamp.has_nonce && i < MIG_NONCE_BYTES; i++) {
        s->stamp.nonce[i] = (unsigned char)prop_below(p, 256);
    }
}

static struct mig_snapshot *random_host(struct prop *p, unsigned run)
{
    return run % 2 == 0 ? snapshot_random(p) : snapshot_random_arm64(p);
}

CHECK_TEST(the_wire_gives_back_what_was_put_on_it)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "wire");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = random_host(&p, run);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
        struct mig_error err;

        add_stamp(s, &p);
        mig_snapshot_encode(s, &s->stamp, &bytes);
        check_done("decode", mig_snapshot_decode_untrusted(bytes.items, bytes.len, &back, &err),
                   &err);
        snapshot_check_same("wire", s, back);
        mig_snapshot_encode(back, &back->stamp, &again);
        check_number("length", bytes.len, again.len);
        assert_memory_equal(bytes.items, again.items, bytes.len);
    }
}

CHECK_TEST(json_gives_back_what_was_written)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "json");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = random_host(&p, run);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
        MIG_AUTO(mig_free) char *text = NULL;
        MIG_AUTO(mig_free) char *again = NULL;
        struct mig_error err;

        add_stamp(s, &p);
        text = mig_snapshot_to_json(s);
        check_done("parse", mig_snapshot_from_json(text, strlen(text), &back, &err), &err);
        snapshot_check_same("json", s, back);
        again = mig_snapshot_to_json(back);
        check_text("json", text, again);
    }
}

/* Either refused, or a snapshot of its own that encodes to just these bytes. */
CHECK_TEST(a_flipped_bit_is_refused_or_means_something_else)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "flip");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = random_host(&p, run);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
        struct mig_error err;
        size_t at;

        mig_snapshot_encode(s, &s->stamp, &bytes);
        at = (size_t)prop_below(&p, bytes.len);
        bytes.items[at] = (unsigned char)(bytes.items[at] ^ (1u << prop_below(&p, 8)));
        if (mig_snapshot_decode_untrusted(bytes.items, bytes.len, &back, &err)) {
            mig_snapshot_encode(back, &back->stamp, &again);
            if (back->stamp.table_version == 0) {
                check_number("length", bytes.len, again.len);
                assert_memory_equal(bytes.items, again.items, bytes.len);
            }
        }
    }
}

CHECK_TEST(normalising_twice_changes_nothing)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "normalise");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = random_host(&p, run);
        unsigned char digest[MIG_DIGEST_BYTES], again[MIG_DIGEST_BYTES];

        mig_snapshot_capability_digest(s, digest);
        check_true("already normal", !mig_normalise_snapshot(s));
        mig_snapshot_capability_digest(s, again);
        assert_memory_equal(digest, again, sizeof digest);
    }
}

CHECK_MAIN(cmocka_unit_test(the_wire_gives_back_what_was_put_on_it),
           cmocka_unit_test(json_gives_back_what_was_written),
           cmocka_unit_test(a_flipped_bit_is_refused_or_means_something_else),
           cmocka_unit_test(normalising_twice_changes_nothing))
