/* SPDX-License-Identifier: Apache-2.0 */
#include "session/page.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/printed.h"
#include "support/terminal.h"

static void set_columns(const char *value)
{
    if (value == NULL) {
        (void)unsetenv("COLUMNS");
    } else {
        (void)setenv("COLUMNS", value, 1);
    }
}

CHECK_TEST(a_page_is_as_wide_as_asked_or_as_its_terminal)
{
    static const struct {
        const char *label, *columns;
        unsigned short terminal; /* 0: none */
        int width;
    } cases[] = {
        {"a pipe",                    NULL,     0,   80 },
        {"a terminal",                NULL,     100, 100},
        {"a narrow terminal",         NULL,     20,  40 },
        {"a wide terminal",           NULL,     400, 160},
        {"COLUMNS for a pipe",        "120",    0,   120},
        {"COLUMNS over a terminal",   "72",     100, 72 },
        {"COLUMNS too small",         "1",      0,   40 },
        {"COLUMNS too large",         "9999",   0,   160},
        {"COLUMNS of 0 says nothing", "0",      100, 100},
        {"COLUMNS empty",             "",       100, 100},
        {"COLUMNS no number",         "wide",   0,   80 },
        {"COLUMNS negative",          "-5",     0,   80 },
        {"COLUMNS beyond all",        "999999", 100, 100},
    };

    CHECK_EACH (c, cases) {
        struct terminal t;

        set_columns(c->columns);
        if (c->terminal == 0) {
            FILE *out = fopen("/dev/null", "w");

            check_number(c->label, (uint64_t)c->width, (uint64_t)mig_page_columns(out));
            (void)fclose(out);
        } else {
            terminal_open(&t, c->terminal);
            check_number(c->label, (uint64_t)c->width, (uint64_t)mig_page_columns(t.out));
            terminal_close(&t);
        }
    }
    set_columns(NULL);
}

CHECK_TEST(colour_takes_no_room)
{
    static const struct {
        const char *text;
        int width;
    } cases[] = {
        {"",                                  0},
        {"abc",                               3},
        {"\033[1mabc\033[0m",                 3},
        {"\033[1;31ma\033[0m b \033[2mc\033", 5},
    };

    CHECK_EACH (c, cases) {
        check_number(c->text, (uint64_t)c->width, (uint64_t)mig_page_width(c->text));
    }
}

#define TEN "1234567890"
#define FIFTY TEN TEN TEN TEN TEN

CHECK_TEST(text_breaks_where_the_page_ends)
{
    static const struct {
        const char *label, *columns, *text, *printed;
    } cases[] = {
        {"fits exactly",       NULL,  TEN " " FIFTY " 1234567890123456",
         "  " TEN " " FIFTY " 1234567890123456\n"                                                          },
        {"one more",           NULL,  TEN " " FIFTY " 12345678901234567",
         "  " TEN " " FIFTY "\n    12345678901234567\n"                                                    },
        {"wider page",         "120", TEN " " FIFTY " 12345678901234567",
         "  " TEN " " FIFTY " 12345678901234567\n"                                                         },
        {"narrow page",        "40",  TEN " " TEN " " TEN " " TEN,
         "  " TEN " " TEN " " TEN "\n    " TEN "\n"                                                        },
        {"a word too long",    "40",  "a " FIFTY " b",                        "  a\n    " FIFTY "\n    b\n"},
        {"colour is no width", "40",  TEN " \033[1m" TEN "\033[0m " TEN " b",
         "  " TEN " \033[1m" TEN "\033[0m " TEN " b\n"                                                     },
        {"no word",            NULL,  "",                                     "\n"                         },
        {"only spaces",        NULL,  "   ",                                  "\n"                         },
    };

    CHECK_EACH (c, cases) {
        char *got;

        set_columns(c->columns);
        got = PRINTED(mig_page_paragraph(out, 2, 4, c->text));
        check_text(c->label, c->printed, got);
        free(got);
    }
    set_columns(NULL);
}

CHECK_TEST(items_stand_beside_their_head_or_below_it)
{
    static const struct {
        const char *label, *head, *text, *printed;
    } cases[] = {
        {"short",           "why: ",               "because",                   "  why: because\n"                          },
        {"second line",     "why: ",               TEN " " TEN " " TEN " " TEN,
         "  why: " TEN " " TEN " " TEN "\n       " TEN "\n"                                                                 },
        {"nothing to say",  "why: ",               "",                          "  why:\n"                                  },
        {"head is painted", "\033[2mwhy:\033[0m ", TEN " " TEN " " TEN " " TEN,
         "  \033[2mwhy:\033[0m " TEN " " TEN " " TEN "\n       " TEN "\n"                                                   },
        {"crowded",         TEN TEN TEN "  ",      TEN " " TEN,                 "  " TEN TEN TEN "\n      " TEN " " TEN "\n"},
    };

    set_columns("40");
    CHECK_EACH (c, cases) {
        char *got = PRINTED(mig_page_item(out, 2, c->head, c->text));

        check_text(c->label, c->printed, got);
        free(got);
    }
    set_columns(NULL);
}

CHECK_MAIN(cmocka_unit_test(a_page_is_as_wide_as_asked_or_as_its_terminal),
           cmocka_unit_test(colour_takes_no_room),
           cmocka_unit_test(text_breaks_where_the_page_ends),
           cmocka_unit_test(items_stand_beside_their_head_or_below_it))
