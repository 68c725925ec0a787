/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/known.h"

#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/version.h"
#include "cpu/place.h"

#define PREFIX "known/"

static const struct mig_known_row rows[] = {
#define ANY                                                                                        \
    {                                                                                              \
        NULL, NULL                                                                                 \
    }
#define SINCE(first)                                                                               \
    {                                                                                              \
        first, NULL                                                                                \
    }
#define UNTIL(end)                                                                                 \
    {                                                                                              \
        NULL, end                                                                                  \
    }
#define SPAN(first, end)                                                                           \
    {                                                                                              \
        first, end                                                                                 \
    }
#define FIELD(name_) .field = MIG_PLACE_BIT(name_), .place = #name_
#define IDS(starts) .ids = (starts), .place = (starts)
#define ONLY false
#define EITHER true
#define KNOWN(id_, fact_, from, to, both, who, explains, when_, meaning_, link_, text_, remedy_)   \
    {.id = PREFIX id_,                                                                             \
     .fact = (fact_),                                                                              \
     .source = from,                                                                               \
     .destination = to,                                                                            \
     .either = (both),                                                                             \
     .vendor = MIG_VENDOR_##who,                                                                   \
     explains,                                                                                     \
     .when = MIG_KNOWN_##when_,                                                                    \
     .meaning = MIG_KNOWN_##meaning_,                                                              \
     .link = (link_),                                                                              \
     .text = (text_),                                                                              \
     .remedy = (remedy_)},
#include "compat/known.def"
#undef ANY
};

const struct mig_known_row *mig_known_all(size_t *ret_len)
{
    *ret_len = MIG_COUNT(rows);
    return rows;
}

const struct mig_known_row *mig_known_find(const char *id)
{
    const char *bare = mig_text_starts(id, PREFIX) ? id + strlen(PREFIX) : id;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].id + strlen(PREFIX), bare) == 0) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool is_within(const char *version, struct mig_known_span span)
{
    return (span.since == NULL || mig_version_compare(version, span.since) >= 0) &&
           (span.until == NULL || mig_version_compare(version, span.until) < 0);
}

static bool is_any(struct mig_known_span span)
{
    return span.since == NULL && span.until == NULL;
}

static bool has_versions(const struct mig_known_row *row, const char *source,
                         const char *destination)
{
    struct mig_version version;

    if (source == NULL || destination == NULL) {
        return false;
    }
    if (is_any(row->source) && is_any(row->destination)) {
        return strcmp(source, destination) != 0;
    }
    if (!mig_version_parse(source, &version) || !mig_version_parse(destination, &version)) {
        return false;
    }
    return (is_within(source, row->source) && is_within(destination, row->destination)) ||
           (row->either && is_within(destination, row->source) &&
            is_within(source, row->destination));
}

static bool has_vendor(const struct mig_known_row *row, const struct mig_snapshot *s)
{
    char vendor[13];

    if (row->vendor == MIG_VENDOR_ANY) {
        return true;
    }
    mig_snapshot_vendor(s, vendor);
    return strcmp(vendor, row->vendor == MIG_VENDOR_INTEL ? "GenuineIntel" : "AuthenticAMD") == 0;
}

bool mig_known_explains_id(const struct mig_known_row *row, uint64_t key,
                           const struct mig_field *field, const char *id)
{
    if (row->field.mask != 0) {
        /* A register that only one side has is told as a whole, without a field. */
        return key == mig_reg_key(row->field.reg) &&
               (field == NULL || (mig_bits_mask(field->hi, field->lo) & row->field.mask) != 0);
    }
    for (const char *word = row->ids; *word != '\0';) {
        size_t len = strcspn(word, " ");

        if (strncmp(id, word, len) == 0) {
            return true;
        }
        word += len + strspn(word + len, " ");
    }
    return false;
}

bool mig_known_explains(const struct mig_known_row *row, const struct mig_finding *f)
{
    return mig_known_explains_id(row, f->key, f->field, f->id);
}

static bool differs(const struct mig_known_row *row, const struct mig_findings *differences)
{
    for (size_t i = 0; i < differences->len; i++) {
        if (mig_known_explains(row, &differences->items[i])) {
            return true;
        }
    }
    return false;
}

/* Is every register in which @row explains a difference 0 on @s? */
static bool is_gone(const struct mig_known_row *row, const struct mig_snapshot *s,
                    const struct mig_findings *differences)
{
    for (size_t i = 0; i < differences->len; i++) {
        const struct mig_finding *f = &differences->items[i];
        uint64_t value = 0;

        if (f->key != UINT64_MAX && mig_known_explains(row, f)) {
            enum mig_known known = mig_snapshot_get(s, mig_reg_from_key(f->key), &value);

            if (value != 0 || (known != MIG_KNOWN && known != MIG_ABSENT)) {
                return false;
            }
        }
    }
    return true;
}

static bool has(const struct mig_known_row *row, const struct mig_snapshot *s)
{
    uint64_t value;

    (void)mig_snapshot_get(s, row->field.reg, &value);
    return (value & row->field.mask) != 0;
}

/* A field of x86 concerns no host of arm64. */
static bool has_arch(const struct mig_known_row *row, const struct mig_snapshot *s)
{
    return row->field.mask == 0 || row->field.reg.space == MIG_SPACE_IDREG ||
           s->arch == MIG_ARCH_X86;
}

bool mig_known_concerns(const struct mig_known_row *row, const struct mig_snapshot *source,
                        const struct mig_snapshot *destination,
                        const struct mig_findings *differences)
{
    if (!has_versions(row, mig_snapshot_fact(source, row->fact),
                      mig_snapshot_fact(destination, row->fact)) ||
        !has_vendor(row, source) || !has_vendor(row, destination) || !has_arch(row, source)) {
        return false;
    }
    switch (row->when) {
    case MIG_KNOWN_ALWAYS:
        return true;
    case MIG_KNOWN_DIFFERS:
        return differs(row, differences);
    case MIG_KNOWN_HAS:
        return has(row, source) && has(row, destination);
    case MIG_KNOWN_GONE:
        return differs(row, differences) && is_gone(row, destination, differences);
    }
    MIG_ASSERT(false);
}

const char *mig_known_meaning_name(enum mig_known_meaning meaning)
{
    static const char *const names[MIG_KNOWN_MEANING_COUNT] = {
#define KNOWN_MEANING(id, name, text) [MIG_KNOWN_##id] = (name),
#include "compat/known_meaning.def"
    };

    return names[meaning];
}

const char *mig_known_meaning_text(enum mig_known_meaning meaning)
{
    static const char *const texts[MIG_KNOWN_MEANING_COUNT] = {
#define KNOWN_MEANING(id, name, text) [MIG_KNOWN_##id] = (text),
#include "compat/known_meaning.def"
    };

    return texts[meaning];
}
