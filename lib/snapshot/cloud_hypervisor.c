/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/cloud_hypervisor.h"

#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/raw.h"

#define BIG_DIGITS 19
#define LONG_BYTES 2048 /* more than the 392 numbers of struct kvm_xcrs take */
#define LEAVES_MAX 256  /* KVM_MAX_CPUID_ENTRIES */

static size_t count_digits(const char *text, size_t len)
{
    size_t count = 0;

    while (count < len && text[count] >= '0' && text[count] <= '9') {
        count++;
    }
    return count;
}

/* Behind the string that begins at @at. */
static size_t skip_string(const char *text, size_t len, size_t at)
{
    for (at++; at < len && text[at] != '"'; at++) {
        at += text[at] == '\\' ? 1 : 0;
    }
    return at + 1;
}

/* All of it at once: a guest stands still while its state is read. */
static void quote_big_numbers(const char *text, size_t len, struct mig_text *ret)
{
    size_t copied = 0, at = 0;

    while (at < len) {
        size_t digits = count_digits(text + at, len - at);

        if (digits >= BIG_DIGITS) {
            mig_text_add_bytes(ret, text + copied, at - copied);
            mig_text_add(ret, "\"");
            mig_text_add_bytes(ret, text + at, digits);
            mig_text_add(ret, "\"");
            copied = at + digits;
        }
        at = digits > 0 ? at + digits : text[at] == '"' ? skip_string(text, len, at) : at + 1;
    }
    mig_text_add_bytes(ret, text + copied, len - copied);
}

bool mig_cloud_hypervisor_parse(const char *text, size_t len, json_t **ret, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text quoted = {0};

    quote_big_numbers(text, len, &quoted);
    return mig_node_parse(quoted.items != NULL ? quoted.items : "", quoted.len, ret, err);
}

void mig_cloud_hypervisor_thin(const char *text, size_t len, struct mig_text *ret)
{
    const char *end = text + len, *copied = text, *at = text;

    while ((at = memchr(at, '[', (size_t)(end - at))) != NULL) {
        const char *inside = ++at;

        while (at < end && ((*at >= '0' && *at <= '9') || *at == ',' || *at == '-')) {
            at++;
        }
        if (at < end && *at == ']' && at - inside > LONG_BYTES) {
            mig_text_add_bytes(ret, copied, (size_t)(inside - copied));
            copied = at;
        }
    }
    mig_text_add_bytes(ret, copied, (size_t)(end - copied));
}

/* Decimal digits, one of which a number may begin with but 0. */
static bool read_decimal(const char *text, uint64_t max, uint64_t *ret)
{
    size_t len = strlen(text);

    return len <= 20 && text[0] != '0' && mig_text_digits(text, len, 10, max, ret);
}

bool mig_cloud_hypervisor_number(const struct mig_node *object, const char *key, uint64_t max,
                                 uint64_t *ret, struct mig_error *err)
{
    const json_t *n = json_object_get(object->json, key);

    if (n == NULL) {
        return mig_node_fail(object, err, "key '%s' is missing", key);
    }
    if (json_is_string(n)) {
        return read_decimal(json_string_value(n), max, ret) ||
               mig_node_fail(object, err, "%s is no number from 0 to %llu", key,
                             (unsigned long long)max);
    }
    return mig_node_find_number(object, key, max < INT64_MAX ? max : INT64_MAX, ret, err);
}

bool mig_cloud_hypervisor_list(const struct mig_node *object, const char *key, size_t max,
                               mig_cloud_hypervisor_fn *read, void *ctx, struct mig_error *err)
{
    struct mig_node list, item;

    if (!mig_node_get(object, key, JSON_ARRAY, &list, err)) {
        return false;
    }
    if (json_array_size(list.json) > max) {
        return mig_node_fail(&list, err, "more than %zu", max);
    }
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_OBJECT, &item, err) || !read(ctx, &item, err)) {
            return false;
        }
    }
    return true;
}

static bool read_leaf(void *ctx, const struct mig_node *n, struct mig_error *err)
{
    static const char *const parts[] = {"eax", "ebx", "ecx", "edx"};
    struct mig_raw_leaf raw = {0};
    uint64_t leaf, sub, value;

    if (!mig_cloud_hypervisor_number(n, "function", UINT32_MAX, &leaf, err) ||
        !mig_cloud_hypervisor_number(n, "index", UINT16_MAX, &sub, err)) {
        return false;
    }
    raw.index = (uint32_t)leaf;
    raw.sub = (uint16_t)sub;
    for (size_t i = 0; i < MIG_COUNT(parts); i++) {
        if (!mig_cloud_hypervisor_number(n, parts[i], UINT32_MAX, &value, err)) {
            return false;
        }
        raw.words[i] = (uint32_t)value;
    }
    return mig_raw_add(ctx, &raw, err) || mig_wrap(err, "%s", n->path);
}

bool mig_cloud_hypervisor_table(const struct mig_node *object, const char *key, struct mig_raw *ret,
                                struct mig_error *err)
{
    return mig_cloud_hypervisor_list(object, key, LEAVES_MAX, read_leaf, ret, err);
}

bool mig_cloud_hypervisor_pour(const struct mig_raw *raw, struct mig_builder *b, const char *source,
                               struct mig_error *err)
{
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, source);
    if (!mig_raw_pour(raw, b, err)) {
        return false;
    }
    mig_raw_pour_hypervisor(raw, b, source);
    return true;
}
