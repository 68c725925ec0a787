/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/profile_json.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "compat/negotiate.h"
#include "cpu/level.h"
#include "snapshot/builder.h"
#include "snapshot/node.h"

#define KHZ_MAX 100000000 /* 100 GHz */
#define ADDRESS_BITS_MAX 64
#define VL_UNIT 128

static const char *const kinds[] = {"Baseline", "Negotiation", "ContractCheck"};

static bool read_arch(const struct mig_node *n, struct mig_profile *p, struct mig_error *err)
{
    const char *name;

    if (!mig_node_get_text(n, "architecture", &name, err)) {
        return false;
    }
    for (p->arch = MIG_ARCH_X86; p->arch <= MIG_ARCH_ARM64; p->arch++) {
        if (strcmp(mig_arch_name(p->arch), name) == 0) {
            return true;
        }
    }
    return mig_node_fail(n, err, "architecture '%.40s' is not known", name);
}

/* What a profile may hold: what a guest reads, of its own architecture. */
static bool is_shown(enum mig_arch arch, enum mig_space space)
{
    return arch == MIG_ARCH_ARM64
               ? space == MIG_SPACE_IDREG
               : space == MIG_SPACE_CPUID || space == MIG_SPACE_CPUID_HV || space == MIG_SPACE_MSR;
}

static bool read_word(const struct mig_node *registers, void *i, struct mig_profile *p,
                      struct mig_error *err)
{
    struct mig_word *word = &p->words[p->words_len];
    json_t *value = json_object_iter_value(i);
    struct mig_node n;
    struct mig_reg reg;

    if (!mig_reg_parse(json_object_iter_key(i), &reg, err)) {
        mig_text_make_printable(err->msg);
        return mig_wrap(err, "%s", registers->path);
    }
    word->covered = !json_is_null(value);
    if (!mig_node_member(registers, i, word->covered ? JSON_STRING : JSON_NULL, &n, err)) {
        return false;
    }
    if (!is_shown(p->arch, reg.space)) {
        return mig_node_fail(&n, err, "no guest of %s reads it", mig_arch_name(p->arch));
    }
    word->key = mig_reg_key(reg);
    p->words_len++;
    return !word->covered ||
           mig_node_hex(&n, mig_reg_width(reg) == 64 ? UINT64_MAX : UINT32_MAX, &word->value, err);
}

static int by_key(const void *a, const void *b)
{
    uint64_t x = ((const struct mig_word *)a)->key, y = ((const struct mig_word *)b)->key;

    return x < y ? -1 : x > y;
}

static bool read_words(const struct mig_node *n, struct mig_profile *p, struct mig_error *err)
{
    struct mig_node registers;
    size_t len;

    if (!mig_node_get(n, "registers", JSON_OBJECT, &registers, err)) {
        return false;
    }
    len = json_object_size(registers.json);
    if (len == 0 || len > MIG_ENTRIES_MAX) {
        return mig_node_fail(&registers, err, "expected 1 to %d registers", MIG_ENTRIES_MAX);
    }
    p->words = mig_alloc(len, sizeof *p->words);
    for (void *i = json_object_iter(registers.json); i != NULL;
         i = json_object_iter_next(registers.json, i)) {
        if (!read_word(&registers, i, p, err)) {
            return false;
        }
    }
    qsort(p->words, p->words_len, sizeof *p->words, by_key);
    for (size_t i = 1; i < p->words_len; i++) { /* one register has two spellings */
        if (p->words[i - 1].key == p->words[i].key) {
            char name[MIG_REG_TEXT_MAX];

            mig_reg_print(mig_reg_from_key(p->words[i].key), name);
            return mig_node_fail(&registers, err, "%s stands there twice", name);
        }
    }
    return true;
}

/* @ret is 0 for null. */
static bool read_limit(const struct mig_node *limits, const char *key, uint64_t max, uint64_t *ret,
                       struct mig_error *err)
{
    if (json_is_null(json_object_get(limits->json, key))) {
        return true;
    }
    return mig_node_find_number(limits, key, max, ret, err);
}

static bool read_lengths(const struct mig_node *limits, struct mig_profile *p,
                         struct mig_error *err)
{
    struct mig_node list, n;
    json_int_t bits, before = 0;

    if (!mig_node_get(limits, "sve-vl", JSON_ARRAY, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list.json); i++, before = bits) {
        if (!mig_node_element(&list, i, JSON_INTEGER, &n, err)) {
            return false;
        }
        bits = json_integer_value(n.json);
        if (bits <= before || bits > 64 * VL_UNIT || bits % VL_UNIT != 0) {
            return mig_node_fail(&n, err, "expected multiples of %d up to %d that grow", VL_UNIT,
                                 64 * VL_UNIT);
        }
        p->sve_vqs |= UINT64_C(1) << (bits / VL_UNIT - 1);
    }
    return p->sve_vqs == 0 || p->arch == MIG_ARCH_ARM64 ||
           mig_node_fail(&list, err, "only arm64 has vector lengths");
}

static bool read_limits(const struct mig_node *n, struct mig_profile *p, struct mig_error *err)
{
    static const char *const keys[] = {"maxphysaddr", "tsc-khz", "sve-vl", NULL};
    struct mig_node limits;

    return mig_node_get(n, "limits", JSON_OBJECT, &limits, err) &&
           mig_node_check_object(&limits, keys, err) &&
           read_limit(&limits, "maxphysaddr", ADDRESS_BITS_MAX, &p->maxphysaddr, err) &&
           read_limit(&limits, "tsc-khz", KHZ_MAX, &p->tsc_khz, err) &&
           read_lengths(&limits, p, err);
}

static bool read_level(const struct mig_node *n, struct mig_profile *p, struct mig_error *err)
{
    json_t *level = json_object_get(n->json, "level");
    const char *name = json_string_value(level);

    if (level == NULL || json_is_null(level)) {
        return true;
    }
    p->level = mig_level_find(name != NULL ? name : "");
    return mig_level_part(mig_level_set(p->level), p->arch) != 0 ||
           mig_node_fail(n, err, "level '%.40s' is none of %s", name == NULL ? "" : name,
                         mig_arch_name(p->arch));
}

/* What people read must be what guests get. */
static bool check_features(const struct mig_node *n, const struct mig_profile *p,
                           struct mig_error *err)
{
    struct mig_node list, name;

    if (!mig_node_get(n, "features", JSON_ARRAY, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_STRING, &name, err)) {
            return false;
        }
        if (i >= p->features_len || strcmp(json_string_value(name.json), p->features[i]) != 0) {
            return mig_node_fail(&name, err, "'%.40s' is not in the registers, or out of order",
                                 json_string_value(name.json));
        }
    }
    return json_array_size(list.json) == p->features_len ||
           mig_node_fail(&list, err, "'%.40s' is missing", p->features[json_array_size(list.json)]);
}

static bool check_digest(const struct mig_node *n, const struct mig_profile *p,
                         struct mig_error *err)
{
    char digits[2 * MIG_DIGEST_BYTES + 1];
    const char *stated;

    if (!mig_node_get_text(n, "digest", &stated, err)) {
        return false;
    }
    mig_text_hex(p->digest, sizeof p->digest, digits);
    return strcmp(stated, digits) == 0 ||
           mig_node_fail(n, err, "digest: the registers are not the ones it was made of");
}

static bool read_profile(const struct mig_node *n, struct mig_profile *p, struct mig_error *err)
{
    static const char *const keys[] = {"name",      "base",   "toggles", "digest",   "architecture",
                                       "registers", "limits", "level",   "features", NULL};

    if (!mig_node_check_object(n, keys, err) || !read_arch(n, p, err) || !read_words(n, p, err) ||
        !read_limits(n, p, err) || !read_level(n, p, err)) {
        return false;
    }
    mig_profile_sum_up(p);
    return check_digest(n, p, err) && check_features(n, p, err);
}

/* An answer's verdict says whether its profile can be had. */
static bool check_verdict(const struct mig_node *root, struct mig_error *err)
{
    const char *verdict;

    if (!mig_node_get_text(root, "verdict", &verdict, err)) {
        return false;
    }
    for (int v = 0; v < MIG_VERDICT_COUNT; v++) {
        if (v != MIG_UNKNOWN && v != MIG_INCOMPATIBLE &&
            strcmp(verdict, mig_verdict_name((enum mig_verdict)v)) == 0) {
            return true;
        }
    }
    return mig_node_fail(root, err, "the verdict is '%.40s': no profile that every host can show",
                         verdict);
}

static bool read_answer(const struct mig_node *root, struct mig_profile *p, struct mig_error *err)
{
    const char *version, *kind;
    struct mig_node n;

    if (!mig_node_get_text(root, "apiVersion", &version, err) ||
        !mig_node_get_text(root, "kind", &kind, err)) {
        return false;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kind, kinds[i]) == 0 && strcmp(version, "migctl/v1") == 0) {
            return check_verdict(root, err) &&
                   mig_node_get(root, "profile", JSON_OBJECT, &n, err) && read_profile(&n, p, err);
        }
    }
    return mig_node_fail(root, err,
                         "expected a Baseline, Negotiation or ContractCheck of migctl/v1, found a "
                         "%.40s of %.40s",
                         kind, version);
}

bool mig_profile_from_json(const char *text, size_t len, struct mig_profile **ret,
                           struct mig_error *err)
{
    MIG_AUTO(mig_profile_free) struct mig_profile *p = MIG_NEW(struct mig_profile);
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root;

    if (!mig_node_open(text, len, &document, &root, err) ||
        !(json_object_get(document, "kind") != NULL ? read_answer(&root, p, err)
                                                    : read_profile(&root, p, err))) {
        return false;
    }
    *ret = mig_steal(&p);
    return true;
}
