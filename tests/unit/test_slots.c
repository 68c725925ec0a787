/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slots.h"

#include "base/alloc.h"
#include "support/check.h"
#include "support/prop.h"

struct item {
    uint64_t key;
    char rest[16];
};

CHECK_TEST(what_was_never_built_finds_nothing)
{
    struct mig_slots s = {0};
    struct item item = {.key = 7};

    check_number("empty", SIZE_MAX, mig_slots_find(&s, &item, sizeof item, 7));
    mig_slots_clear(&s);
}

CHECK_TEST(every_key_is_found_and_no_other)
{
    static const size_t sizes[] = {0, 1, 2, 15, 16, 17, 1000, MIG_SLOTS_MAX};
    struct mig_slots s = {0};
    struct prop p;

    prop_init(&p, "slots");
    CHECK_EACH (size, sizes) {
        struct item *items = mig_alloc(*size, sizeof *items);

        for (size_t i = 0; i < *size; i++) {
            items[i].key = i << 24 | prop_below(&p, 4); /* as keys of registers */
        }
        mig_slots_build(&s, items, *size, sizeof *items);
        for (size_t i = 0; i < *size; i++) {
            check_number("found", i, mig_slots_find(&s, items, sizeof *items, items[i].key));
            check_number("not found", SIZE_MAX,
                         mig_slots_find(&s, items, sizeof *items, items[i].key + 4));
        }
        mig_free(items);
    }
    mig_slots_clear(&s);
}

CHECK_MAIN(cmocka_unit_test(what_was_never_built_finds_nothing),
           cmocka_unit_test(every_key_is_found_and_no_other))
