/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real kernels' answers to KVM_SET_ONE_REG, measured on emulated arm64 hosts
 * (../shared/data/emulated-hosts/arm64-*.json), against the prediction from
 * tables.  Each host tried what every other host shows (cross), and lower,
 * higher, zero and all ones in every field (field, same, res0, wtest); the
 * prediction must agree with all of them, read-back included.
 */
#include "support/check.h"

#include <jansson.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/file.h"
#include "base/text.h"
#include "compat/merge.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"
#include "snapshot/import.h"
#include "snapshot/onereg.h"

#define FOLDER "data/emulated-hosts/"
#define FILE_MAX (1u << 20)
#define PMCR 0x13dce0
#define PMCR_N(value) ((value) >> 11 & 31)

static const char *const names[] = {
    "a64fx",    "cortex-a72", "max",         "max-mte",     "max-nosve",
    "max-nvhe", "max-sve256", "neoverse-n1", "neoverse-v1",
};

struct host {
    const char *name;
    struct mig_bytes text;
    struct mig_snapshot *snapshot;
    struct mig_party party;
    json_t *document;
};

static struct host hosts[MIG_COUNT(names)];
static bool are_here;

static int open_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < MIG_COUNT(names); i++) {
        MIG_AUTO(mig_free) char *relative = mig_strf(FOLDER "arm64-6.12-%s.json", names[i]);
        MIG_AUTO(mig_free) char *path = check_shared_path(relative);
        struct host *h = &hosts[i];
        const char *format;
        struct mig_error err;

        if (path == NULL) {
            return 0;
        }
        h->name = names[i];
        check_done(relative, mig_file_read(path, FILE_MAX, &h->text, &err), &err);
        check_done(relative,
                   mig_import(h->name, (const char *)h->text.items, h->text.len, &h->snapshot,
                              &format, &err),
                   &err);
        h->party = (struct mig_party){h->name, h->snapshot};
        h->document = json_loadb((const char *)h->text.items, h->text.len, 0, NULL);
        assert_non_null(h->document);
    }
    are_here = true;
    return 0;
}

static int close_hosts(void **state)
{
    (void)state;
    for (size_t i = 0; i < MIG_COUNT(names); i++) {
        mig_bytes_clear(&hosts[i].text);
        mig_snapshot_free(hosts[i].snapshot);
        json_decref(hosts[i].document);
    }
    return 0;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

/* "0x..." of up to 512 bits: the lowest 64. */
static uint64_t number_of(const json_t *object, const char *key)
{
    const char *text = text_of(object, key);
    size_t len = strlen(text);
    uint64_t value = 0;

    assert_true(mig_text_starts(text, "0x"));
    text += len > 18 ? len - 16 : 2;
    assert_true(mig_text_digits(text, strlen(text), 16, UINT64_MAX, &value));
    return value;
}

/* "base+sve+pauth+pmu" */
static unsigned features_of(const char *text)
{
    unsigned set = 0;

    for (unsigned f = 0; f < MIG_FEATURE_COUNT; f++) {
        MIG_AUTO(mig_free) char *word = mig_strf("+%s", mig_feature_name((enum mig_feature)f));
        const char *at = strstr(text, word);

        set |= at != NULL && strchr("+", at[strlen(word)]) != NULL ? 1u << f : 0;
    }
    return set;
}

static struct mig_reg reg_of(const json_t *reg)
{
    struct mig_reg ret = {0};
    struct mig_error err;

    check_done("id", mig_onereg_from_id(number_of(reg, "id"), &ret, &err), &err);
    ret.space = MIG_SPACE_IDREG;
    return ret;
}

static const json_t *config_of(const struct host *h, const char *config)
{
    return json_object_get(json_object_get(h->document, "vcpu_configs"), config);
}

static bool is_written(const json_t *reg)
{
    const char *kind = text_of(reg, "kind");

    return json_integer_value(json_object_get(reg, "feature_id")) != 0 || strcmp(kind, "fw") == 0 ||
           strcmp(kind, "fwbmap") == 0 || reg_of(reg).index == PMCR;
}

struct counts {
    size_t registers, firmware, differing, refused, ignored, counters, lengths, starts;
};

/* Does the kernel's answer to one write agree with what we say? */
static void check_answer(const char *label, const struct mig_limit *l, struct mig_reg reg,
                         uint64_t value, const char *set, bool has_read, uint64_t read)
{
    struct mig_settable s = mig_settable_ask(l, reg, value);
    const char *said = s.answer == MIG_ANSWER_EINVAL   ? "EINVAL"
                       : s.answer == MIG_ANSWER_ENOENT ? "ENOENT"
                       : mig_settable_is_taken(&s)     ? "OK"
                                                       : "?";

    if (strcmp(said, set) != 0 || (has_read && mig_settable_is_taken(&s) && s.reads != read)) {
        fail_msg("%s: writing 0x%llx (host 0x%llx): the kernel says %s and shows 0x%llx, we said "
                 "%s and 0x%llx",
                 label, (unsigned long long)value, (unsigned long long)mig_limit_get(l, reg).value,
                 set, (unsigned long long)read, said, (unsigned long long)s.reads);
    }
}

/* PMCR_EL0 is no ID register: KVM takes all, and keeps its number of counters
 * when more are asked for. */
static void check_counters(const char *label, uint64_t value, const json_t *answer)
{
    uint64_t own = answer != NULL ? number_of(answer, "dst_val") : value;
    uint64_t read = answer != NULL ? number_of(answer, "readback") : value;

    check_text(label, "OK", answer != NULL ? text_of(answer, "set") : "OK");
    check_number(label, PMCR_N(value) > PMCR_N(own) ? PMCR_N(own) : PMCR_N(value), PMCR_N(read));
}

/* The recorded answer of @name in the restore of @src; NULL: taken, and read
 * back as written. */
static const json_t *answer_of(const struct host *dst, const char *src, const char *name)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(dst->document, "cross"), i, row)
    {
        if (strcmp(text_of(row, "src"), src) == 0 && strcmp(text_of(row, "name"), name) == 0) {
            return row;
        }
    }
    return NULL;
}

static const json_t *end_of(const struct host *dst, const char *src)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(dst->document, "cross_end"), i, row)
    {
        if (strcmp(text_of(row, "src"), src) == 0) {
            return row;
        }
    }
    return NULL;
}

static void check_write(const struct host *dst, const struct mig_limit *l, const char *src,
                        const char *name, const json_t *reg, struct counts *ret)
{
    const json_t *answer = answer_of(dst, src, name);
    uint64_t value = number_of(reg, "val");
    MIG_AUTO(mig_free) char *label = mig_strf("%s on %s: %s", src, dst->name, name);
    bool firmware = json_integer_value(json_object_get(reg, "feature_id")) == 0;

    if (reg_of(reg).index == PMCR) {
        check_counters(label, value, answer);
        ret->counters++;
        return;
    }
    check_answer(label, l, reg_of(reg), value, answer != NULL ? text_of(answer, "set") : "OK", true,
                 answer != NULL ? number_of(answer, "readback") : value);
    ret->registers += firmware ? 0 : 1;
    ret->firmware += firmware ? 1 : 0;
    ret->differing += mig_limit_get(l, reg_of(reg)).value != value ? 1 : 0;
    ret->refused += answer != NULL && strcmp(text_of(answer, "set"), "OK") != 0 ? 1 : 0;
    ret->ignored += answer != NULL && strcmp(text_of(answer, "set"), "OK") == 0 ? 1 : 0;
}

/* Of sources without a capture here, only what was not read back as written is
 * on record. */
static void check_recorded(const struct host *dst, const struct mig_limit *l, const char *src,
                           struct counts *ret)
{
    size_t i;
    json_t *row;

    json_array_foreach(json_object_get(dst->document, "cross"), i, row)
    {
        const char *name = text_of(row, "name");
        json_t *known = json_object_get(json_object_get(config_of(dst, "max"), "regs"), name);
        MIG_AUTO(mig_free) char *label = mig_strf("%s on %s: %s", src, dst->name, name);

        if (strcmp(text_of(row, "src"), src) != 0 || strcmp(text_of(row, "kind"), "sve") == 0 ||
            known == NULL) {
            continue;
        }
        if (reg_of(known).index == PMCR) {
            check_counters(label, number_of(row, "src_val"), row);
            ret->counters++;
            continue;
        }
        check_answer(label, l, reg_of(known), number_of(row, "src_val"), text_of(row, "set"), true,
                     number_of(row, "readback"));
        ret->registers += is_written(known) ? 1 : 0;
        ret->differing++;
        ret->refused += strcmp(text_of(row, "set"), "OK") != 0 ? 1 : 0;
        ret->ignored += strcmp(text_of(row, "set"), "OK") == 0 ? 1 : 0;
    }
}

static const struct host *source_of(const char *src, char ret_config[16])
{
    for (size_t i = 0; i < MIG_COUNT(names); i++) {
        size_t len = strlen(names[i]);

        if (strncmp(src, names[i], len) == 0 && src[len] == '.') {
            (void)snprintf(ret_config, 16, "%.*s", (int)strcspn(src + len + 1, "."), src + len + 1);
            return &hosts[i];
        }
    }
    return NULL;
}

static void check_lengths(const struct host *dst, const struct mig_limit *l, const char *src,
                          struct counts *ret)
{
    const json_t *answer = answer_of(dst, src, "SVE_VLS");
    uint64_t own = mig_party_get(&dst->party, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_SVE_VQS));

    if ((l->features >> MIG_FEATURE_SVE & 1) != 0 && answer != NULL) {
        check_number(src, number_of(answer, "dst_val"), own);
        check_text(src, text_of(answer, "set"),
                   mig_settable_is_vl_set(own, number_of(answer, "src_val")) ? "OK" : "EINVAL");
        ret->lengths++;
    }
}

static void check_restore(const struct host *dst, const json_t *start, struct counts *ret)
{
    const char *src = text_of(start, "src"), *name;
    unsigned features = features_of(text_of(start, "features"));
    bool has_all = (features & ~mig_feature_of(&dst->party)) == 0;
    char config[16] = "";
    const struct host *source = source_of(src, config);
    struct mig_limit limit;
    const json_t *end = end_of(dst, src);
    json_t *reg;

    check_text(src, has_all ? "OK" : "EINVAL", text_of(start, "r"));
    ret->starts++;
    if (!has_all) {
        return;
    }
    mig_limit_init(&limit, &dst->party, features);
    check_lengths(dst, &limit, src, ret);
    if (end == NULL || json_object_get(end, "finalize") != NULL) {
        return;
    }
    if (source == NULL) {
        check_recorded(dst, &limit, src, ret);
        return;
    }
    json_object_foreach(json_object_get(config_of(source, config), "regs"), name, reg)
    {
        if (is_written(reg)) {
            check_write(dst, &limit, src, name, reg, ret);
        }
    }
}

CHECK_TEST(every_answer_to_what_other_hosts_show_is_foreseen)
{
    struct counts counts = {0};

    if (!are_here) {
        skip();
    }
    CHECK_EACH (dst, hosts) {
        size_t i;
        json_t *start;

        json_array_foreach(json_object_get(dst->document, "cross_start"), i, start)
        {
            check_restore(dst, start, &counts);
        }
    }
    print_message(
        "%zu vCPUs made or refused, %zu sets of vector lengths, %zu ID registers, %zu "
        "firmware registers, %zu counters; %zu values differ, %zu refused, %zu not kept\n",
        counts.starts, counts.lengths, counts.registers, counts.firmware, counts.counters,
        counts.differing, counts.refused, counts.ignored);
    check_number("vCPUs", 288, counts.starts);
}

/* "OK", "EINVAL", "OK_rb_unchanged": taken and not kept. */
static void check_try(const char *label, const struct mig_limit *l, struct mig_reg reg,
                      uint64_t value, const char *answer, size_t *ret_count)
{
    uint64_t own = mig_limit_get(l, reg).value;
    bool taken = mig_text_starts(answer, "OK"), unchanged = strstr(answer, "unchanged") != NULL;

    if (strcmp(answer, "-") == 0) {
        return;
    }
    check_answer(label, l, reg, value, taken ? "OK" : answer,
                 taken && strstr(answer, "other") == NULL, unchanged ? own : value);
    (*ret_count)++;
}

static void check_field(const struct host *h, const struct mig_limit *l, const json_t *row,
                        size_t *ret_count)
{
    const json_t *regs = json_object_get(config_of(h, "max"), "regs");
    const json_t *known = json_object_get(regs, text_of(row, "reg"));
    unsigned lo = (unsigned)json_integer_value(json_object_get(row, "lsb"));
    unsigned width = (unsigned)json_integer_value(json_object_get(row, "w"));
    MIG_AUTO(mig_free)
    char *label = mig_strf("%s: %s.%s", h->name, text_of(row, "reg"), text_of(row, "field"));
    uint64_t mask = (width == 64 ? ~0ULL : (1ULL << width) - 1) << lo, own, f;
    struct mig_reg reg = reg_of(known);

    own = number_of(known, "val");
    f = (own & mask) >> lo;
    check_try(label, l, reg, (own & ~mask) | ((f - 1) << lo & mask), text_of(row, "dec"),
              ret_count);
    check_try(label, l, reg, own & ~mask, text_of(row, "zero"), ret_count);
    check_try(label, l, reg, (own & ~mask) | ((f + 1) << lo & mask), text_of(row, "inc"),
              ret_count);
    check_try(label, l, reg, own | mask, text_of(row, "max"), ret_count);
}

/* A register as a whole, and one bit of it that has no field. */
static void check_whole(const struct host *h, const struct mig_limit *l, const json_t *row,
                        bool flip, size_t *ret_count)
{
    const json_t *regs = json_object_get(config_of(h, "max"), "regs");
    const json_t *known = json_object_get(regs, text_of(row, "reg"));
    MIG_AUTO(mig_free) char *label = mig_strf("%s: %s", h->name, text_of(row, "reg"));
    uint64_t own = number_of(known, "val");

    if (flip) {
        uint64_t bit = 1ULL << json_integer_value(json_object_get(row, "bit"));

        check_try(label, l, reg_of(known), own ^ bit, text_of(row, "flip"), ret_count);
        return;
    }
    check_try(label, l, reg_of(known), own, text_of(row, "r"), ret_count);
    check_try(label, l, reg_of(known), 0, text_of(row, "zero"), ret_count);
    check_try(label, l, reg_of(known), ~0ULL, text_of(row, "ones"), ret_count);
}

/* Writes of a kind of their own: firmware, caches, what is no register. */
static void check_other(const struct host *h, const struct mig_limit *l, const json_t *row,
                        size_t *ret_count)
{
    static const struct {
        const char *name;
        uint32_t index;
    } unknown[] = {
        {"fwbmap.9",     0x160009},
        {"S3_0_C0_C8_0", 0x13c040},
    };
    const json_t *regs = json_object_get(config_of(h, "max"), "regs");
    const json_t *known = json_object_get(regs, text_of(row, "name"));
    struct mig_reg reg = {MIG_SPACE_IDREG, 0, MIG_ARM64_SUB(MIG_ARM64_SYSTEM), MIG_EAX};
    MIG_AUTO(mig_free)
    char *label = mig_strf("%s: %s %s", h->name, text_of(row, "name"), text_of(row, "what"));

    CHECK_EACH (u, unknown) {
        reg.index = strcmp(u->name, text_of(row, "name")) == 0 ? u->index : reg.index;
    }
    reg = known != NULL ? reg_of(known) : reg;
    assert_int_not_equal(0, reg.index);
    if (strcmp(text_of(row, "class"), "after_run") == 0 || reg.index == PMCR) {
        return; /* ID registers are frozen then */
    }
    check_answer(label, l, reg, number_of(row, "wrote"), text_of(row, "r"), true,
                 number_of(row, "readback"));
    (*ret_count)++;
}

CHECK_TEST(every_answer_to_a_single_change_is_foreseen)
{
    size_t fields = 0, wholes = 0, bits = 0, others = 0;

    if (!are_here) {
        skip();
    }
    CHECK_EACH (h, hosts) {
        struct mig_limit limit;
        size_t i;
        json_t *row;

        mig_limit_init(&limit, &h->party, mig_feature_of(&h->party));
        json_array_foreach(json_object_get(h->document, "field"), i, row)
        {
            check_field(h, &limit, row, &fields);
        }
        json_array_foreach(json_object_get(h->document, "same"), i, row)
        {
            check_whole(h, &limit, row, false, &wholes);
        }
        json_array_foreach(json_object_get(h->document, "res0"), i, row)
        {
            check_whole(h, &limit, row, true, &bits);
        }
        json_array_foreach(json_object_get(h->document, "wtest"), i, row)
        {
            check_other(h, &limit, row, &others);
        }
    }
    print_message("%zu values of fields, %zu of whole registers, %zu bits without a field, %zu "
                  "others\n",
                  fields, wholes, bits, others);
}

CHECK_TEST(every_answer_to_a_set_of_vector_lengths_is_foreseen)
{
    size_t sets = 0;

    if (!are_here) {
        skip();
    }
    CHECK_EACH (h, hosts) {
        uint64_t own = mig_party_get(&h->party, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_SVE_VQS));
        size_t i;
        json_t *row;

        json_array_foreach(json_object_get(h->document, "svevls"), i, row)
        {
            if (json_object_get(row, "wrote") != NULL) {
                check_text(text_of(row, "what"), text_of(row, "r"),
                           mig_settable_is_vl_set(own, number_of(row, "wrote")) ? "OK" : "EINVAL");
                sets++;
            }
        }
    }
    print_message("%zu sets\n", sets);
    check_true("some", sets > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_answer_to_what_other_hosts_show_is_foreseen),
        cmocka_unit_test(every_answer_to_a_single_change_is_foreseen),
        cmocka_unit_test(every_answer_to_a_set_of_vector_lengths_is_foreseen),
    };

    return check_finish(cmocka_run_group_tests(tests, open_hosts, close_hosts));
}
