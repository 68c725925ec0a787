/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/layout.h"

#include <string.h>

#define LEAF 0xd
#define HEADER_END 576 /* legacy area and header, always there */
#define FLAGS 7u

/* First entry of the leaf; entries are sorted by key. */
static size_t find_leaf(const struct mig_snapshot *s)
{
    uint64_t key = mig_reg_key(mig_reg_cpuid(LEAF, 0, MIG_EAX));
    size_t low = 0, high = s->entries_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->entries[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void read_masks(struct mig_layout *l, struct mig_reg reg, const struct mig_entry *e)
{
    uint64_t *mask = reg.sub == 0 ? &l->xcr0 : &l->xss;
    enum mig_part low = reg.sub == 0 ? MIG_EAX : MIG_ECX;

    if (reg.part == low) {
        *mask |= e->value;
        l->known = l->known || (reg.sub == 0 && e->errnum == 0);
    } else if (reg.part == MIG_EDX) {
        *mask |= e->value << 32;
    } else if (reg.sub == 0 && reg.part == MIG_ECX) {
        l->area = e->value;
    }
}

static void read_component(struct mig_layout *l, struct mig_reg reg, const struct mig_entry *e)
{
    struct mig_component *c = &l->component[reg.sub];
    uint64_t bit = 1ULL << reg.sub;

    switch (reg.part) {
    case MIG_EAX:
        c->size = (uint32_t)e->value;
        l->described = e->errnum == 0 ? l->described | bit : l->described & ~bit;
        break;
    case MIG_EBX:
        c->offset = (uint32_t)e->value;
        break;
    case MIG_ECX:
        c->flags = (uint32_t)e->value & FLAGS;
        break;
    case MIG_EDX:
        break;
    }
}

void mig_layout_read(const struct mig_party *p, struct mig_layout *ret)
{
    const struct mig_snapshot *s = p->snapshot;
    bool full = s->groups[MIG_GROUP_CPUID].coverage == MIG_COVER_FULL;

    memset(ret, 0, sizeof *ret);
    ret->known = full;
    ret->described = full ? UINT64_MAX : 0;
    for (size_t i = find_leaf(s); i < s->entries_len; i++) {
        struct mig_reg reg = mig_reg_from_key(s->entries[i].key);

        if (reg.space != MIG_SPACE_CPUID || reg.index != LEAF) {
            break;
        }
        if (reg.sub < 2) {
            read_masks(ret, reg, &s->entries[i]);
        } else if (reg.sub < MIG_LAYOUT_COMPONENTS) {
            read_component(ret, reg, &s->entries[i]);
        }
    }
}

bool mig_layout_is_equal(const struct mig_component *a, const struct mig_component *b)
{
    return a->size == b->size && a->offset == b->offset && a->flags == b->flags;
}

uint64_t mig_layout_end(const struct mig_layout *l, uint64_t xcr0)
{
    uint64_t end = HEADER_END;

    for (unsigned i = 2; i < MIG_LAYOUT_COMPONENTS; i++) {
        uint64_t here = (uint64_t)l->component[i].offset + l->component[i].size;

        end = (xcr0 >> i & 1) != 0 && here > end ? here : end;
    }
    return end;
}

struct mig_reg mig_layout_home(unsigned component, bool supervisor)
{
    bool low = component < 32;

    return supervisor ? mig_reg_cpuid(LEAF, 1, low ? MIG_ECX : MIG_EDX)
                      : mig_reg_cpuid(LEAF, 0, low ? MIG_EAX : MIG_EDX);
}
