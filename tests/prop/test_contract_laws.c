/* SPDX-License-Identifier: Apache-2.0 */
/* Every form of a contract gives it back, and no flipped bit passes unnoticed. */
#include "base/alloc.h"
#include "cpu/field.h"
#include "support/check.h"
#include "support/guest.h"
#include "support/prop.h"

CHECK_TEST(the_wire_gives_back_what_was_put_on_it)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "contract wire");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_random(&p);
        MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
        struct mig_error err;

        mig_contract_encode(c, &bytes);
        check_done("decode", mig_contract_decode_untrusted(bytes.items, bytes.len, &back, &err),
                   &err);
        guest_check_same("wire", c, back);
        mig_contract_encode(back, &again);
        check_number("length", bytes.len, again.len);
        assert_memory_equal(bytes.items, again.items, bytes.len);
    }
}

CHECK_TEST(json_gives_back_what_was_written)
{
    unsigned runs = prop_runs(500);
    struct prop p;

    prop_init(&p, "contract json");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_random(&p);
        MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
        MIG_AUTO(mig_free) char *text = NULL;
        MIG_AUTO(mig_free) char *again = NULL;
        struct mig_error err;

        c->shown->stamp.table_version = MIG_TABLE_VERSION;
        text = mig_contract_to_json(c);
        check_done("parse", mig_contract_from_json(text, strlen(text), &back, &err), &err);
        guest_check_same("json", c, back);
        again = mig_contract_to_json(back);
        check_text("json", text, again);
    }
}

/* Either refused, or a contract of its own that encodes to just these bytes. */
CHECK_TEST(a_flipped_bit_is_refused_or_means_something_else)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "contract flip");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_random(&p);
        MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
        struct mig_error err;
        size_t at;

        mig_contract_encode(c, &bytes);
        at = (size_t)prop_below(&p, bytes.len);
        bytes.items[at] = (unsigned char)(bytes.items[at] ^ (1u << prop_below(&p, 8)));
        if (mig_contract_decode_untrusted(bytes.items, bytes.len, &back, &err) &&
            back->shown->stamp.table_version <= MIG_TABLE_VERSION) {
            mig_contract_encode(back, &again);
            check_number("length", bytes.len, again.len);
            assert_memory_equal(bytes.items, again.items, bytes.len);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(the_wire_gives_back_what_was_put_on_it),
           cmocka_unit_test(json_gives_back_what_was_written),
           cmocka_unit_test(a_flipped_bit_is_refused_or_means_something_else))
