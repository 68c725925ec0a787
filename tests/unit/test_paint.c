/* SPDX-License-Identifier: Apache-2.0 */
#include "session/paint.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/terminal.h"

static void set(const char *name, const char *value)
{
    if (value == NULL) {
        (void)unsetenv(name);
    } else {
        (void)setenv(name, value, 1);
    }
}

CHECK_TEST(colour_is_for_terminals_that_want_it)
{
    static const struct {
        const char *label;
        enum mig_paint_when when;
        bool on_terminal;
        const char *no_color, *term;
        bool wanted;
    } cases[] = {
        {"a terminal",                MIG_PAINT_AUTO,   true,  NULL, "xterm", true },
        {"a pipe",                    MIG_PAINT_AUTO,   false, NULL, "xterm", false},
        {"NO_COLOR",                  MIG_PAINT_AUTO,   true,  "1",  "xterm", false},
        {"NO_COLOR of any value",     MIG_PAINT_AUTO,   true,  "0",  "xterm", false},
        {"NO_COLOR that is empty",    MIG_PAINT_AUTO,   true,  "",   "xterm", true },
        {"a dumb terminal",           MIG_PAINT_AUTO,   true,  NULL, "dumb",  false},
        {"a terminal of no kind",     MIG_PAINT_AUTO,   true,  NULL, NULL,    false},
        {"always, in a pipe",         MIG_PAINT_ALWAYS, false, NULL, "xterm", true },
        {"always, whatever NO_COLOR", MIG_PAINT_ALWAYS, false, "1",  "dumb",  true },
        {"never, on a terminal",      MIG_PAINT_NEVER,  true,  NULL, "xterm", false},
    };
    struct terminal t;
    FILE *file = fopen("/dev/null", "w");

    terminal_open(&t, 80);
    CHECK_EACH (c, cases) {
        set("NO_COLOR", c->no_color);
        set("TERM", c->term);
        check_number(c->label, c->wanted,
                     mig_paint_is_wanted(c->when, c->on_terminal ? t.out : file));
    }
    terminal_close(&t);
    (void)fclose(file);
}

CHECK_TEST(a_stream_in_memory_has_no_colour)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    set("NO_COLOR", NULL);
    set("TERM", "xterm");
    check_true("memory", !mig_paint_is_wanted(MIG_PAINT_AUTO, out));
    (void)fclose(out);
    free(text);
}

CHECK_TEST(when_has_three_words)
{
    static const struct {
        const char *word;
        bool good;
        enum mig_paint_when when;
    } cases[] = {
        {"auto",   true,  MIG_PAINT_AUTO  },
        {"always", true,  MIG_PAINT_ALWAYS},
        {"never",  true,  MIG_PAINT_NEVER },
        {"",       false, MIG_PAINT_AUTO  },
        {"Auto",   false, MIG_PAINT_AUTO  },
        {"yes",    false, MIG_PAINT_AUTO  },
    };

    CHECK_EACH (c, cases) {
        enum mig_paint_when when = MIG_PAINT_AUTO;

        check_number(c->word, c->good, mig_paint_parse(c->word, &when));
        check_number(c->word, c->when, when);
    }
}

CHECK_TEST(paint_ends_with_the_text)
{
    static const struct {
        const char *label;
        bool wanted;
        enum mig_paint paint;
        const char *text, *got;
    } cases[] = {
        {"unwanted", false, MIG_PAINT_BAD,    "no",  "(no"                 },
        {"plain",    true,  MIG_PAINT_PLAIN,  "no",  "(no"                 },
        {"red",      true,  MIG_PAINT_BAD,    "no",  "(\033[1;31mno\033[0m"},
        {"bold",     true,  MIG_PAINT_STRONG, "avx", "(\033[1mavx\033[0m"  },
        {"nothing",  true,  MIG_PAINT_BAD,    "",    "("                   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_text_clear) struct mig_text t = {0};

        mig_text_add(&t, "(");
        mig_paint_add(&t, c->wanted, c->paint, c->text);
        check_text(c->label, c->got, t.items);
    }
}

CHECK_MAIN(cmocka_unit_test(colour_is_for_terminals_that_want_it),
           cmocka_unit_test(a_stream_in_memory_has_no_colour),
           cmocka_unit_test(when_has_three_words), cmocka_unit_test(paint_ends_with_the_text))
