/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/explain.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/taker.h"
#include "cpu/arm64_name.h"
#include "cpu/arm64_view.h"
#include "cpu/deps.h"
#include "cpu/host.h"
#include "cpu/level.h"
#include "cpu/place.h"

static const struct mig_topic topics[] = {
#define TOPIC(id, title, text, remedy) {id, title, text, remedy},
#include "compat/explain.def"
};

static const struct mig_topic *find_topic(const char *id, bool exact)
{
    for (size_t i = 0; i < MIG_COUNT(topics); i++) {
        if (strcmp(topics[i].id, id) == 0 ||
            (!exact && mig_text_ends(topics[i].id, "/") && mig_text_starts(id, topics[i].id))) {
            return &topics[i];
        }
    }
    return NULL;
}

const char *mig_explain_vendor(enum mig_vendor vendor)
{
    switch (vendor) {
    case MIG_VENDOR_ANY:
        return "any";
    case MIG_VENDOR_INTEL:
        return "intel";
    case MIG_VENDOR_AMD:
        return "amd";
    case MIG_VENDOR_X86:
        return "x86";
    case MIG_VENDOR_CENTAUR:
        return "centaur";
    }
    return "any";
}

static char *bits_in_words(const struct mig_field *f)
{
    return f->hi == f->lo ? mig_strf("bit %u", f->lo) : mig_strf("bits %u to %u", f->lo, f->hi);
}

static char *leaf_in_words(const struct mig_field *f, uint16_t sub, const char *kind)
{
    static const char *const registers[] = {"EAX", "EBX", "ECX", "EDX"};
    MIG_AUTO(mig_free) char *bits = bits_in_words(f);
    MIG_AUTO(mig_free)
    char *range = f->sub_last > f->reg.sub && sub == f->reg.sub
                      ? mig_strf("subleaves %u to %u", f->reg.sub, f->sub_last)
                      : mig_strf("subleaf %u", sub);

    return mig_strf("%s of %s, %s leaf 0x%" PRIx32 ", %s", bits, registers[f->reg.part], kind,
                    f->reg.index, range);
}

/* "bits 4 to 7 of ID_AA64ISAR0_EL1 (op0 3, op1 0, CRn 0, CRm 6, op2 0)" */
static char *arm64_in_words(const struct mig_field *f)
{
    MIG_AUTO(mig_free) char *bits = bits_in_words(f);
    const char *name = mig_arm64_reg_name(f->reg);
    uint32_t index = f->reg.index;

    if (mig_arm64_is_cache(f->reg)) {
        return mig_strf("%s of CCSIDR_EL1 while CSSELR_EL1 is %u: %s cache of level %u", bits,
                        index & 15, (index & 1) != 0 ? "instruction" : "data or unified",
                        (index & 15) / 2 + 1);
    }
    if (index >= MIG_ARM64_FIRMWARE) {
        return mig_strf("%s of KVM's firmware register %s", bits, name);
    }
    return mig_strf("%s of %s (op0 %u, op1 %u, CRn %u, CRm %u, op2 %u)", bits, name,
                    index >> 14 & 3, index >> 11 & 7, index >> 7 & 15, index >> 3 & 15, index & 7);
}

static char *place_in_words(const struct mig_field *f, uint16_t sub)
{
    MIG_AUTO(mig_free) char *bits = bits_in_words(f);
    const char *device;

    switch (f->reg.space) {
    case MIG_SPACE_CPUID_HV:
        return leaf_in_words(f, sub, "Hyper-V CPUID");
    case MIG_SPACE_MSR:
        return mig_strf("%s of MSR 0x%" PRIx32, bits, f->reg.index);
    case MIG_SPACE_IDREG:
        return arm64_in_words(f);
    case MIG_SPACE_CAP:
        return mig_strf("KVM_CAP_%s, number %" PRIu32 " of KVM_CHECK_EXTENSION", f->name,
                        f->reg.index);
    case MIG_SPACE_HOST:
        return mig_strdup("property of the host, beside its registers");
    case MIG_SPACE_GUEST:
        return mig_strdup("property of a guest, written down when it starts");
    case MIG_SPACE_VIRTIO:
        device = mig_virtio_name(f->reg.index);
        return mig_strf("%s of the feature word of virtio device %" PRIu32 " (%s)", bits,
                        f->reg.index, device != NULL ? device : "no name");
    case MIG_SPACE_CPUID:
    case MIG_SPACE_CPUID_BARE:
    case MIG_SPACE_CPUID_EMULATED:
    case MIG_SPACE_MSR_LIST:
    case MIG_SPACE_IDREG_MASK:
    case MIG_SPACE_REG_LIST:
    case MIG_SPACE_COUNT:
        break;
    }
    return leaf_in_words(f, sub, "CPUID");
}

/* Capabilities and properties are asked of hosts, not shown to guests. */
static bool is_in_profiles(const struct mig_field *f)
{
    return f->reg.space == MIG_SPACE_CPUID || f->reg.space == MIG_SPACE_CPUID_HV ||
           f->reg.space == MIG_SPACE_MSR || f->reg.space == MIG_SPACE_IDREG;
}

static char *offer_in_words(const struct mig_field *f)
{
    if (!is_in_profiles(f)) {
        return mig_strdup("no part of a profile");
    }
    switch (f->offer) {
    case MIG_OFFER_ON:
        return mig_strdup("on: a new profile shows it by itself");
    case MIG_OFFER_OPT_IN:
        return mig_strf("opt-in: a new profile shows it only with --allow %s", f->opt_in);
    case MIG_OFFER_NEVER:
        break;
    }
    return mig_strdup("never: no new profile shows it");
}

static const struct {
    const char *move, *profile;
} rules[MIG_RULE_COUNT] = {
#define RULE_TEXT(id, move, profile) [MIG_RULE_##id] = {move, profile},
#include "compat/rule_text.def"
};

static void add_rule(struct mig_explanation *e)
{
    const struct mig_shape *shape = &e->field->shape;
    bool safe = shape->rule == MIG_RULE_EXACT && shape->has_safe;
    char value[48];

    if (!is_in_profiles(e->field)) {
        e->profile = mig_strdup("nothing, it is no part of a profile");
        e->move = mig_strdup(e->topic != NULL ? e->topic->text : rules[shape->rule].move);
        return;
    }
    (void)snprintf(value, sizeof value, ", or 0x%" PRIx64 " where they do not agree", shape->safe);
    e->profile = mig_strf("%s%s", rules[shape->rule].profile,
                          safe                            ? value
                          : shape->rule == MIG_RULE_EXACT ? "; without one there is no profile"
                                                          : "");
    (void)snprintf(value, sizeof value, ", or if it was shown 0x%" PRIx64, shape->safe);
    e->move = mig_strf("%s%s", rules[shape->rule].move, safe ? value : "");
}

static void add_aliases(struct mig_explanation *e)
{
    static const struct {
        const char *name, *other, *who;
    } rows[] = {
#define ALIAS(name, other, who) {#name, other, who},
#include "cpu/alias.def"
    };
    char sysreg[MIG_ARM64_NAME_MAX];

    if (mig_arm64_name_sysreg(e->field, sysreg)) {
        e->sysreg = mig_strdup(sysreg);
        e->also[e->also_len++] = (struct mig_naming){e->sysreg, "qemu"};
    }
    for (size_t i = 0; i < MIG_COUNT(rows) && e->also_len < MIG_NAMES_MAX; i++) {
        if (strcmp(rows[i].name, e->field->name) == 0) {
            e->also[e->also_len++] = (struct mig_naming){rows[i].other, rows[i].who};
        }
    }
}

/* The lowest level that asks for a value of the field. */
static enum mig_level level_of(const struct mig_field *f)
{
    struct mig_arm64_feats feats = mig_arm64_feat_all();
    enum mig_level lowest = mig_level_asking(f->name);

    for (size_t i = 0; i < feats.len && f->reg.space == MIG_SPACE_IDREG; i++) {
        enum mig_level level = mig_arm64_terms_read(feats.items[i].terms, f)
                                   ? mig_level_asking(feats.items[i].name)
                                   : MIG_LEVEL_NONE;

        if (level != MIG_LEVEL_NONE && (lowest == MIG_LEVEL_NONE || level < lowest)) {
            lowest = level;
        }
    }
    return lowest;
}

#define WORD(space, index, sub, part, mask)                                                        \
    {                                                                                              \
        {MIG_SPACE_##space, (index), (sub), MIG_##part}, (mask)                                    \
    }

static const struct {
    struct mig_bit feature, base;
    const char *feature_name, *base_name, *reason;
} edges[] = {
#define DEP(feature, base, reason)                                                                 \
    {MIG_PLACE_BIT(feature), MIG_PLACE_BIT(base), #feature, #base, reason},
#define DEP_WORD(space, index, sub, part, mask, name, base, reason)                                \
    {WORD(space, index, sub, part, mask), MIG_PLACE_BIT(base), name, #base, reason},
#define DEP_ANY(feature, space, index, sub, part, mask, reason)                                    \
    {MIG_PLACE_BIT(feature), WORD(space, index, sub, part, mask), #feature, NULL, reason},
#include "cpu/x86_deps.def"
};

static bool touches(const struct mig_explanation *e, struct mig_bit bit, uint16_t sub)
{
    struct mig_reg reg = e->field->reg;

    reg.sub = sub;
    return mig_reg_key(reg) == mig_reg_key(bit.reg) &&
           (mig_bits_mask(e->field->hi, e->field->lo) & bit.mask) != 0;
}

/* Takes @name; a second edge to the same place for the same reason is none. */
static void tie(struct mig_tie **list, size_t *len, char *name, const char *reason)
{
    for (size_t i = 0; i < *len; i++) {
        if (strcmp((*list)[i].name, name) == 0 && strcmp((*list)[i].reason, reason) == 0) {
            mig_free(name);
            return;
        }
    }
    *list = mig_resize(*list, *len + 1, sizeof **list);
    (*list)[(*len)++] = (struct mig_tie){name, reason};
}

/* "one of x86/cpuid/24.0/ebx": an edge to any bit of a register. */
static char *any_of(struct mig_bit bit)
{
    char text[MIG_REG_TEXT_MAX];

    mig_reg_print(bit.reg, text);
    return mig_strf("one of %s", text);
}

static void add_ties(struct mig_explanation *e, uint16_t sub)
{
    for (size_t i = 0; i < MIG_COUNT(edges); i++) {
        if (touches(e, edges[i].feature, sub)) {
            tie(&e->needs, &e->needs_len,
                edges[i].base_name != NULL ? mig_strdup(edges[i].base_name) : any_of(edges[i].base),
                edges[i].reason);
        }
        if (touches(e, edges[i].base, sub)) {
            tie(&e->needed_by, &e->needed_by_len, mig_strdup(edges[i].feature_name),
                edges[i].reason);
        }
    }
}

void mig_explain_field(const struct mig_field *f, uint16_t sub, struct mig_explanation *ret)
{
    *ret = (struct mig_explanation){.field = f, .level = level_of(f)};
    mig_field_print_id(f, sub, ret->id);
    ret->topic = find_topic(ret->id, true);
    ret->place = place_in_words(f, sub);
    ret->offer = offer_in_words(f);
    add_rule(ret);
    add_aliases(ret);
    add_ties(ret, sub);
    ret->takers = mig_taker_all(f, &ret->takers_len);
}

/* The register in front of the last '/', or all of @id. */
static bool parse_place(const char *id, struct mig_reg *ret, bool *ret_has_bits)
{
    const char *slash = strrchr(id, '/');
    char text[MIG_FIELD_ID_MAX];
    struct mig_error not_one;

    if (slash == NULL || strlen(id) >= sizeof text) {
        return false;
    }
    if (mig_reg_parse(id, ret, &not_one)) {
        *ret_has_bits = false;
        return true;
    }
    (void)snprintf(text, sizeof text, "%.*s", (int)(slash - id), id);
    *ret_has_bits = strspn(slash + 1, "0123456789:") == strlen(slash + 1) && slash[1] != '\0';
    return *ret_has_bits && mig_reg_parse(text, ret, &not_one);
}

/* A name as people write it: any case, '-' or '_'. */
static const struct mig_field *find_spelled(const char *word)
{
    static int (*const cases[])(int) = {tolower, toupper};
    const struct mig_field *f = mig_field_find(word);
    char text[MIG_FIELD_ID_MAX];

    for (size_t c = 0; f == NULL && c < MIG_COUNT(cases); c++) {
        size_t len = strlen(word);

        if (len >= sizeof text) {
            return NULL;
        }
        for (size_t i = 0; i <= len; i++) {
            text[i] = (char)cases[c]((unsigned char)word[i]);
        }
        f = mig_field_find(text);
        for (char *at = text; f == NULL && (at = strchr(at, '-')) != NULL;) {
            *at = '_';
        }
        f = f != NULL ? f : mig_field_find(text);
    }
    return f;
}

/* The row of arm64 that is meant by bits of a register, which is not how its
 * id is written. */
static const struct mig_field *find_bits(const char *word, struct mig_reg reg)
{
    struct mig_fields fields = mig_field_of(reg);
    char id[MIG_FIELD_ID_MAX];

    for (size_t i = 0; reg.space == MIG_SPACE_IDREG && i < fields.len; i++) {
        mig_bits_print_id(reg, fields.items[i].hi, fields.items[i].lo, id);
        if (strcmp(id, word) == 0) {
            return &fields.items[i];
        }
    }
    return NULL;
}

/* An ID register of arm64 that no table names fields of. */
static bool is_without_rows(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_IDREG && mig_field_of(reg).len == 0;
}

/* Notations of arm64: with a value, by the name of a feature, or a view. */
static bool explain_arm64(const char *word, struct mig_explanation *ret)
{
    const struct mig_arm64_view *view =
        mig_arm64_view_find(mig_text_starts(word, "arm64/") ? word + strlen("arm64/") : word);
    struct mig_arm64_setting s = {0};
    struct mig_error not_one;

    if (view == NULL && !mig_arm64_name_parse(word, &s, &not_one)) {
        return false;
    }
    if (s.field != NULL) {
        mig_explain_field(s.field, s.field->reg.sub, ret);
    } else {
        *ret = (struct mig_explanation){.view = view};
        (void)snprintf(ret->id, sizeof ret->id, "%s%s", view != NULL ? "arm64/" : "",
                       view != NULL ? view->name : s.feat->name);
    }
    ret->topic = ret->topic != NULL ? ret->topic : find_topic(ret->id, true);
    ret->feat = s.feat;
    ret->level = s.feat != NULL ? mig_level_asking(s.feat->name) : ret->level;
    ret->has_value = s.has_value;
    ret->value = s.value;
    return true;
}

bool mig_explain(const char *word, struct mig_explanation *ret)
{
    const struct mig_field *f = find_spelled(word);
    const struct mig_topic *topic;
    struct mig_reg reg;
    bool has_bits = false, is_place = parse_place(word, &reg, &has_bits);

    f = f == NULL && is_place && has_bits ? find_bits(word, reg) : f;
    if (f != NULL) {
        mig_explain_field(f, is_place ? reg.sub : f->reg.sub, ret);
        return true;
    }
    if (explain_arm64(word, ret)) {
        return true;
    }
    topic = find_topic(word, false);
    if (topic == NULL && is_place && (has_bits || is_without_rows(reg))) {
        topic = find_topic("unclassified", true);
    }
    if (topic == NULL || strlen(word) >= sizeof ret->id) {
        return false;
    }
    *ret = (struct mig_explanation){.topic = topic};
    (void)snprintf(ret->id, sizeof ret->id, "%s", word);
    return true;
}

struct mig_fields mig_explain_register(const char *word, struct mig_reg *ret)
{
    struct mig_error not_one;

    *ret = (struct mig_reg){.space = MIG_SPACE_IDREG};
    return mig_reg_parse(word, ret, &not_one) || mig_arm64_reg_parse(word, ret)
               ? mig_field_of(*ret)
               : (struct mig_fields){NULL, 0};
}

static void clear_ties(struct mig_tie *list, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        mig_free(list[i].name);
    }
    mig_free(list);
}

void mig_explain_clear(struct mig_explanation *e)
{
    clear_ties(e->needs, e->needs_len);
    clear_ties(e->needed_by, e->needed_by_len);
    for (size_t i = 0; i < e->takers_len; i++) {
        mig_free(e->takers[i].how);
    }
    mig_free(e->takers);
    mig_free(e->sysreg);
    mig_free(e->place);
    mig_free(e->move);
    mig_free(e->profile);
    mig_free(e->offer);
    *e = (struct mig_explanation){0};
}
