/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_ram.h"

#include <stdlib.h>

#include "base/array.h"

void mig_chv_ram_add(struct mig_chv_ram *ram, struct mig_chv_range range)
{
    *MIG_PUSH(ram) = range;
}

static int by_address(const void *a, const void *b)
{
    const struct mig_chv_range *x = a, *y = b;

    return (x->gpa > y->gpa) - (x->gpa < y->gpa);
}

static bool check_shape(struct mig_chv_range r, struct mig_error *err)
{
    return (r.len > 0 && r.len - 1 <= UINT64_MAX - r.gpa) ||
           mig_fail(err, MIG_FORMAT, "0x%llx bytes at 0x%llx are no range of memory",
                    (unsigned long long)r.len, (unsigned long long)r.gpa);
}

static bool fail_overlap(struct mig_chv_range r, struct mig_error *err)
{
    return mig_fail(err, MIG_FORMAT, "memory at 0x%llx is there twice", (unsigned long long)r.gpa);
}

/* Does @r begin before the end of @before?  Both have a shape. */
static bool overlaps(struct mig_chv_range before, struct mig_chv_range r)
{
    return r.gpa - before.gpa < before.len;
}

bool mig_chv_ram_finish(struct mig_chv_ram *ram, struct mig_error *err)
{
    size_t kept = 0;

    for (size_t i = 0; i < ram->len; i++) {
        if (!check_shape(ram->items[i], err)) {
            return false;
        }
    }
    if (ram->len > 1) {
        qsort(ram->items, ram->len, sizeof *ram->items, by_address);
    }
    for (size_t i = 0; i < ram->len; i++) {
        struct mig_chv_range r = ram->items[i], *last = kept > 0 ? &ram->items[kept - 1] : NULL;

        if (last != NULL && overlaps(*last, r)) {
            return fail_overlap(r, err);
        }
        if (last != NULL && last->gpa + last->len == r.gpa) {
            last->len += r.len;
        } else {
            ram->items[kept++] = r;
        }
    }
    ram->len = kept;
    return true;
}

static uint64_t read_u64(const unsigned char *bytes)
{
    uint64_t value = 0;

    for (size_t i = 8; i > 0; i--) {
        value = value << 8 | bytes[i - 1];
    }
    return value;
}

struct mig_chv_range mig_chv_range_read(const unsigned char bytes[MIG_CHV_RANGE_BYTES])
{
    return (struct mig_chv_range){read_u64(bytes), read_u64(bytes + 8)};
}

void mig_chv_range_put(struct mig_chv_range range, unsigned char ret[MIG_CHV_RANGE_BYTES])
{
    for (unsigned i = 0; i < 8; i++) {
        ret[i] = (unsigned char)(range.gpa >> (8 * i));
        ret[8 + i] = (unsigned char)(range.len >> (8 * i));
    }
}

/* The last one that begins at @gpa or before, or NULL. */
static const struct mig_chv_range *find(const struct mig_chv_ram *ram, uint64_t gpa)
{
    size_t low = 0, high = ram->len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (ram->items[middle].gpa <= gpa) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low > 0 ? &ram->items[low - 1] : NULL;
}

bool mig_chv_ram_check(const struct mig_chv_ram *ram, struct mig_chv_range range,
                       struct mig_error *err)
{
    const struct mig_chv_range *home = find(ram, range.gpa);

    if (!check_shape(range, err)) {
        return false;
    }
    return (home != NULL && overlaps(*home, range) &&
            range.len <= home->len - (range.gpa - home->gpa)) ||
           mig_fail(err, MIG_FORMAT, "0x%llx bytes at 0x%llx are not all memory of the guest",
                    (unsigned long long)range.len, (unsigned long long)range.gpa);
}

/* Neither ascending nor descending: in order first. */
static bool check_apart_sorted(const unsigned char *table, size_t count, struct mig_error *err)
{
    struct mig_chv_range *all = mig_alloc(count, sizeof *all);
    bool good = true;

    for (size_t i = 0; i < count; i++) {
        all[i] = mig_chv_range_read(table + i * MIG_CHV_RANGE_BYTES);
    }
    qsort(all, count, sizeof *all, by_address);
    for (size_t i = 1; good && i < count; i++) {
        good = !overlaps(all[i - 1], all[i]) || fail_overlap(all[i], err);
    }
    mig_free(all);
    return good;
}

/* A sender lists dirty pages by address, up or down. */
static bool check_apart(const unsigned char *table, size_t count, struct mig_error *err)
{
    bool up = true, down = true;

    for (size_t i = 1; i < count; i++) {
        struct mig_chv_range a = mig_chv_range_read(table + (i - 1) * MIG_CHV_RANGE_BYTES);
        struct mig_chv_range b = mig_chv_range_read(table + i * MIG_CHV_RANGE_BYTES);

        up = up && b.gpa > a.gpa && !overlaps(a, b);
        down = down && a.gpa > b.gpa && !overlaps(b, a);
    }
    return up || down || check_apart_sorted(table, count, err);
}

bool mig_chv_ram_check_table(const struct mig_chv_ram *ram, const unsigned char *table, size_t len,
                             uint64_t *ret_total, struct mig_error *err)
{
    size_t count = len / MIG_CHV_RANGE_BYTES;
    uint64_t total = 0;

    for (size_t i = 0; i < count; i++) {
        struct mig_chv_range r = mig_chv_range_read(table + i * MIG_CHV_RANGE_BYTES);

        if (!mig_chv_ram_check(ram, r, err)) {
            return false;
        }
        total += r.len; /* apart and in RAM, so no more than there is */
    }
    if (!check_apart(table, count, err)) {
        return false;
    }
    *ret_total = total;
    return true;
}

void mig_chv_ram_clear(struct mig_chv_ram *ram)
{
    mig_free(ram->items);
    *ram = (struct mig_chv_ram){0};
}
