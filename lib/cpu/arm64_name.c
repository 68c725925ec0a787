/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_name.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/bits.h"
#include "base/nearest.h"
#include "base/text.h"
#include "cpu/arm64_value.h"

#define SYSREG "SYSREG_"
#define FEAT "FEAT_"
#define ID "arm64/"

/* Longer ones name nothing. */
#define TEXT_MAX 80

static struct mig_fields arm64_rows(void)
{
    struct mig_fields all = mig_field_all(), rows = {NULL, 0};

    for (size_t i = 0; i < all.len; i++) {
        if (all.items[i].reg.space == MIG_SPACE_IDREG) {
            rows.items = rows.len == 0 ? &all.items[i] : rows.items;
            rows.len++;
        }
    }
    return rows;
}

static bool starts(const char *text, const char *prefix)
{
    return strncasecmp(text, prefix, strlen(prefix)) == 0;
}

bool mig_arm64_name_sysreg(const struct mig_field *f, char ret[MIG_ARM64_NAME_MAX])
{
    char text[MIG_ARM64_NAME_MAX];

    if (f->reg.space != MIG_SPACE_IDREG || f->reg.index < MIG_ARM64_SYSTEM ||
        f->reg.index >= MIG_ARM64_FIRMWARE) {
        return false;
    }
    (void)snprintf(text, sizeof text, "%s", f->name);
    *strchr(text, '.') = '_';
    (void)snprintf(ret, MIG_ARM64_NAME_MAX, SYSREG "%.*s",
                   (int)(MIG_ARM64_NAME_MAX - sizeof SYSREG), text);
    return true;
}

void mig_arm64_name_number(const struct mig_field *f, uint64_t value, char ret[MIG_ARM64_NAME_MAX])
{
    (void)snprintf(ret, MIG_ARM64_NAME_MAX, f->shape.width > 8 ? "0x%" PRIx64 : "%" PRIu64, value);
}

void mig_arm64_name_value(const struct mig_field *f, uint64_t value, char ret[MIG_ARM64_NAME_MAX])
{
    const char *name = mig_arm64_value_name(f, value);

    if (name == NULL) {
        mig_arm64_name_number(f, value, ret);
        return;
    }
    (void)snprintf(ret, MIG_ARM64_NAME_MAX, "%s", name);
    for (char *at = ret; *at != '\0'; at++) {
        *at = (char)tolower((unsigned char)*at);
    }
}

bool mig_arm64_name_is_meant(const char *text)
{
    return starts(text, SYSREG) || starts(text, FEAT) || starts(text, ID) ||
           strstr(text, "_EL0.") != NULL || strstr(text, "_EL1.") != NULL;
}

/* "REGISTER?FIELD" with any of the three separators, as it stands in the
 * table; @text is @len long. */
static const struct mig_field *find_field(const char *text, size_t len)
{
    struct mig_fields rows = arm64_rows();

    for (size_t i = 0; i < rows.len; i++) {
        const char *name = rows.items[i].name;
        size_t dot = strcspn(name, ".");

        if (strlen(name) == len && strchr("._/", text[dot]) != NULL &&
            strncasecmp(name, text, dot) == 0 &&
            strncasecmp(name + dot + 1, text + dot + 1, len - dot - 1) == 0) {
            return &rows.items[i];
        }
    }
    return NULL;
}

static bool fail_unknown(const char *text, size_t len, struct mig_error *err)
{
    char word[TEXT_MAX + 1];
    struct mig_fields rows = arm64_rows();
    struct mig_arm64_feats feats = mig_arm64_feat_all();
    struct mig_text t = {0};
    struct mig_nearest near;

    (void)snprintf(word, sizeof word, "%.*s", (int)len, text);
    mig_nearest_init(&near, word);
    for (size_t i = 0; i < rows.len; i++) {
        mig_nearest_offer(&near, rows.items[i].name);
    }
    for (size_t i = 0; i < feats.len; i++) {
        mig_nearest_offer(&near, feats.items[i].name);
    }
    mig_nearest_print(&near, &t);
    (void)mig_fail(err, MIG_FORMAT, "'%s' is no field or feature of arm64%s", word,
                   t.items != NULL ? t.items : "");
    mig_text_clear(&t);
    return false;
}

static bool fail_value(const struct mig_field *f, const char *text, struct mig_error *err)
{
    struct mig_arm64_values values = mig_arm64_value_all(f);
    uint64_t max = mig_bits_mask(f->shape.width - 1u, 0);
    struct mig_text t = {0};

    for (size_t i = 0; i < values.len; i++) {
        char name[MIG_ARM64_NAME_MAX];

        mig_arm64_name_value(f, values.items[i].value, name);
        mig_text_addf(&t, "%s%s", i == 0 ? " or one of " : ", ", name);
    }
    (void)mig_fail(err, MIG_FORMAT, "%s: expected a number up to %" PRIu64 "%s, got '%.40s'",
                   f->name, max, t.items != NULL ? t.items : "", text);
    mig_text_clear(&t);
    return false;
}

static bool parse_feat(const char *text, struct mig_arm64_setting *ret, struct mig_error *err)
{
    struct mig_arm64_setting s = {.feat = mig_arm64_feat_find(text)};

    if (s.feat == NULL) {
        return fail_unknown(text, strlen(text), err);
    }
    s.has_value = mig_arm64_feat_value(s.feat, &s.field, &s.value);
    *ret = s;
    return true;
}

bool mig_arm64_name_parse(const char *text, struct mig_arm64_setting *ret, struct mig_error *err)
{
    struct mig_arm64_setting s = {0};
    const char *equals = strchr(text, '=');
    size_t len = equals != NULL ? (size_t)(equals - text) : strlen(text), skip = 0;

    if (len > TEXT_MAX) {
        return mig_fail(err, MIG_FORMAT, "'%.40s...' is no field or feature of arm64", text);
    }
    if (starts(text, FEAT)) {
        return parse_feat(text, ret, err);
    }
    skip = starts(text, SYSREG) ? strlen(SYSREG) : starts(text, ID) ? strlen(ID) : 0;
    s.field = find_field(text + skip, len - skip);
    if (s.field == NULL) {
        return fail_unknown(text + skip, len - skip, err);
    }
    if (equals != NULL) {
        s.has_value = true;
        if (!mig_text_to_u64(equals + 1, mig_bits_mask(s.field->shape.width - 1u, 0), &s.value) &&
            !mig_arm64_value_parse(s.field, equals + 1, &s.value)) {
            return fail_value(s.field, equals + 1, err);
        }
    }
    *ret = s;
    return true;
}
