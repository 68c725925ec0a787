/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include "base/text.h"
#include "support/check.h"

CHECK_TEST(the_words_with_the_fewest_slips_come_first)
{
    static const char *const known[] = {"alpha", "alpine", "beta", "gamma", "alphabet", "delta-1"};
    static const struct {
        const char *word, *text;
    } cases[] = {
        {"alpha",    "; did you mean alpha?"                    },
        {"alhpa",    "; did you mean alpha?"                    },
        {"alpa",     "; did you mean alpha?"                    },
        {"ALPHABE",  "; did you mean alphabet, alpha or alpine?"},
        {"delta_1",  "; did you mean delta-1?"                  },
        {"zzzzzzzz", ""                                         },
        {"",         ""                                         },
        {"x",        ""                                         },
    };

    CHECK_EACH (c, cases) {
        struct mig_nearest n;
        struct mig_text t = {0};

        mig_nearest_init(&n, c->word);
        CHECK_EACH (k, known) {
            mig_nearest_offer(&n, *k);
            mig_nearest_offer(&n, *k); /* a word is offered once */
        }
        mig_nearest_print(&n, &t);
        check_text(c->word, c->text, t.items);
        mig_text_clear(&t);
    }
}

CHECK_TEST(no_more_than_three_are_kept_and_long_words_match_nothing)
{
    static const char *const known[] = {"abcd1", "abcd2", "abcd3", "abcd4"};
    char longest[5000];
    struct mig_nearest n;

    mig_nearest_init(&n, "abcd5");
    CHECK_EACH (k, known) {
        mig_nearest_offer(&n, *k);
    }
    check_number("kept", MIG_NEAREST_MAX, n.best_len);
    check_text("of equals the first", "abcd1", n.best[0]);
    check_text("and the next", "abcd3", n.best[2]);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    mig_nearest_init(&n, longest);
    mig_nearest_offer(&n, longest);
    check_number("a long word", 0, n.best_len);
    mig_nearest_init(&n, "abcd");
    mig_nearest_offer(&n, longest);
    check_number("a long candidate", 0, n.best_len);
}

CHECK_MAIN(cmocka_unit_test(the_words_with_the_fewest_slips_come_first),
           cmocka_unit_test(no_more_than_three_are_kept_and_long_words_match_nothing))
