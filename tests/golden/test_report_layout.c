/* SPDX-License-Identifier: Apache-2.0 */
#include "session/report_text.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "support/check.h"
#include "support/printed.h"
#include "support/snapshots.h"

#define GOLDEN_BYTES_MAX (1u << 20)

/* Two captures as files that need no signature. */
static void judge(struct mig_decision *d, const char *source, const char *destination)
{
    const char *const names[] = {source, destination};
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {.allow_unsigned = true};
    struct mig_error err;

    *d = (struct mig_decision){.hosts = mig_alloc(2, sizeof *d->hosts), .hosts_len = 2};
    for (int i = 0; i < 2; i++) {
        (void)snprintf(d->hosts[i].name, sizeof d->hosts[i].name, "%s", names[i]);
        d->hosts[i].kind = MIG_EVIDENCE_UNSIGNED;
        d->hosts[i].age_s = -1;
        d->hosts[i].snapshot = snapshot_host(names[i]);
    }
    check_done(source, mig_decision_judge(d, &choice, &belief, true, &err), &err);
}

static char *report(const struct mig_decision *d, int columns, bool verbose, bool colour)
{
    char number[16];

    (void)snprintf(number, sizeof number, "%d", columns);
    (void)setenv("COLUMNS", number, 1);
    return PRINTED(mig_report_text(
        &(struct mig_report){.out = out, .pair = true, .verbose = verbose, .colour = colour}, d));
}

static void check_golden(const char *name, const char *got)
{
    MIG_AUTO(mig_free) char *relative = mig_strf("tests/golden/%s.txt", name);
    MIG_AUTO(mig_free) char *path = check_source_path(relative);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes golden = {0};
    struct mig_error err;

    if (getenv("MIG_GOLDEN_UPDATE") != NULL) {
        check_done(path, mig_file_write(path, got, strlen(got), 0644, &err), &err);
    }
    check_done(path, mig_file_read(path, GOLDEN_BYTES_MAX, &golden, &err), &err);
    check_text(path, (const char *)golden.items, got);
}

/* A change of the layout is a change of these files, seen in review. */
CHECK_TEST(reports_look_as_reviewed)
{
    static const struct {
        const char *golden, *source, *destination;
        int columns;
        bool verbose;
    } cases[] = {
        {"report-80",         "intel-icelake-6.1",        "intel-cascadelake-6.1",   80,  false},
        {"report-120",        "intel-icelake-6.1",        "intel-cascadelake-6.1",   120, false},
        {"report-vendors-80", "amd-milan-6.1",            "intel-icelake-6.1",       80,  false},
        {"report-verbose-80", "emulated-epyc-milan-6.12", "emulated-epyc-rome-6.12", 80,  true },
    };

    CHECK_EACH (c, cases) {
        struct mig_decision d;
        char *got;

        judge(&d, c->source, c->destination);
        got = report(&d, c->columns, c->verbose, false);
        check_golden(c->golden, got);
        free(got);
        mig_decision_clear(&d);
    }
}

/* @text without "ESC [ ... m", in place. */
static void wash(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from == '\033') {
            from += strcspn(from, "m");
        } else {
            *to++ = *from;
        }
    }
    *to = '\0';
}

CHECK_TEST(every_pair_keeps_its_page_and_colour_changes_no_word)
{
    static const char *const hosts[] = {
        "amd-genoa-5.10",
        "amd-genoa-6.1",
        "amd-milan-5.10",
        "amd-milan-6.1",
        "emulated-epyc-milan-6.1",
        "emulated-epyc-milan-6.12",
        "emulated-epyc-rome-6.12",
        "emulated-max-6.12",
        "intel-cascadelake-5.10",
        "intel-cascadelake-6.1",
        "intel-granite-rapids-6.1",
        "intel-icelake-5.10",
        "intel-icelake-6.1",
        "intel-sapphire-rapids-5.10",
        "nested-pvm",
    };
    static const int widths[] = {40, 80, 100, 120, 160};

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        for (size_t j = 0; j < sizeof hosts / sizeof *hosts; j++) {
            struct mig_decision d;

            if (i == j) {
                continue;
            }
            judge(&d, hosts[i], hosts[j]);
            CHECK_EACH (w, widths) {
                char *plain = report(&d, *w, (i + j) % 2 == 0, false);
                char *painted = report(&d, *w, (i + j) % 2 == 0, true);

                printed_check_lines(hosts[i], plain, *w);
                check_true("painted", strchr(painted, '\033') != NULL);
                wash(painted);
                check_text(hosts[j], plain, painted);
                free(plain);
                free(painted);
            }
            mig_decision_clear(&d);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(reports_look_as_reviewed),
           cmocka_unit_test(every_pair_keeps_its_page_and_colour_changes_no_word))
