/* SPDX-License-Identifier: Apache-2.0 */
#include "sheet.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/arm64_core.h"
#include "cpu/arm64_reg.h"
#include "session/page.h"
#include "snapshot/listing.h"

void sheet_line(const struct mig_report *r, const char *label, enum mig_paint paint,
                const char *text)
{
    MIG_AUTO(mig_free) char *head = mig_strf("%-20s ", label);
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    mig_paint_add(&t, r->colour, paint, text);
    mig_page_item(r->out, 0, head, t.items);
}

void sheet_time(const struct mig_report *r, const char *label, int64_t when)
{
    time_t t = when;
    struct tm tm;
    char text[64];

    if (when > 0 && gmtime_r(&t, &tm) != NULL &&
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0) {
        sheet_line(r, label, MIG_PAINT_PLAIN, text);
    }
}

void sheet_digest(const struct mig_report *r, const char *label,
                  const unsigned char bytes[MIG_DIGEST_BYTES])
{
    char digits[2 * MIG_DIGEST_BYTES + 1];

    mig_text_hex(bytes, MIG_DIGEST_BYTES, digits);
    sheet_line(r, label, MIG_PAINT_PLAIN, digits);
}

/* "cpuid            full         ioctl KVM_GET_SUPPORTED_CPUID" */
static void print_group(enum mig_group group, const struct mig_group_state *state, FILE *out)
{
    MIG_AUTO(mig_free)
    char *head =
        mig_strf("%-16s %-12s ", mig_group_name(group), mig_coverage_name(state->coverage));
    MIG_AUTO(mig_free)
    char *text =
        mig_strf("%s%s%s", state->source != NULL ? state->source : "",
                 state->errnum != 0 ? ": " : "", state->errnum != 0 ? strerror(state->errnum) : "");

    mig_page_item(out, 2, head, text);
}

void sheet_coverage(const struct mig_report *r, const struct mig_snapshot *s, bool known_only)
{
    mig_report_text_heading(r, "coverage");
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        const struct mig_group_state *state = &s->groups[g];

        if (known_only && state->coverage == MIG_COVER_NONE) {
            continue;
        }
        print_group((enum mig_group)g, state, r->out);
    }
}

void sheet_facts(const struct mig_report *r, const struct mig_snapshot *s)
{
    if (s->facts_len > 0) {
        mig_report_text_heading(r, "facts");
    }
    for (size_t i = 0; i < s->facts_len; i++) {
        const struct mig_fact *f = &s->facts[i];
        MIG_AUTO(mig_text_clear) struct mig_text head = {0};
        MIG_AUTO(mig_text_clear) struct mig_text list = {0};
        const char *value = f->value != NULL ? f->value : strerror(f->errnum);

        mig_paint_add(&head, r->colour, MIG_PAINT_FAINT, f->name);
        mig_text_add(&head, ": ");
        mig_page_item(r->out, 2, head.items, mig_listing_print(f, &list) ? list.items : value);
    }
}

/* "arm64/MIDR_EL1   Neoverse-N1 r3p1 (0x413fd0c1)" */
static void print_value(const struct mig_report *r, const char *text, const struct mig_entry *e)
{
    char core[MIG_ARM64_CORE_MAX];

    if (e->key == mig_reg_key(mig_reg_arm64(MIG_ARM64_MIDR_EL1))) {
        mig_arm64_core_print(e->value, core);
        (void)fprintf(r->out, "  %-36s %s\n", text, core);
    } else {
        (void)fprintf(r->out, "  %-36s 0x%" PRIx64 "\n", text, e->value);
    }
}

void sheet_registers(const struct mig_report *r, const struct mig_snapshot *s)
{
    size_t unreadable = 0;

    for (size_t i = 0; i < s->entries_len; i++) {
        unreadable += s->entries[i].errnum != 0;
    }
    (void)fprintf(r->out, "\nregisters: %zu, unreadable: %zu%s\n", s->entries_len, unreadable,
                  r->verbose ? "" : ", shown with -v or -o json");
    for (size_t i = 0; i < s->entries_len; i++) {
        const struct mig_entry *e = &s->entries[i];
        char text[MIG_REG_TEXT_MAX];

        mig_reg_print(mig_reg_from_key(e->key), text);
        if (e->errnum != 0) {
            MIG_AUTO(mig_free) char *head = mig_strf("%-36s unreadable: ", text);

            mig_page_item(r->out, 2, head, strerror(e->errnum));
        } else if (r->verbose) {
            print_value(r, text, e);
        }
    }
}
