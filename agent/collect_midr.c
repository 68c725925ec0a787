/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which implementations the CPUs of an arm64 host are.  KVM shows a vCPU the one
 * that it happens to run on, so a host of several kinds must say so.
 */
#include "agent/collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/text.h"

#define CPUS_FOLDER "/sys/devices/system/cpu"
#define CPUS_LIMIT 4096

/* More kinds than this in one machine are told as this many. */
#define KINDS_MAX 16

static const char *const registers[] = {"midr", "revidr"};

struct kind {
    uint64_t value;
    unsigned first, last; /* of the run that its next CPU may join */
    struct mig_text cpus; /* "0-3 6-7" */
};

struct kinds {
    struct kind items[KINDS_MAX];
    size_t len;
};

/* One more than the highest CPU number: behind the last '-' or ',' of a list. */
static unsigned count_cpus(int root)
{
    char text[MIG_COLLECT_TEXT_MAX], *number = text;
    uint64_t last;

    if (mig_collect_file_read(root, CPUS_FOLDER "/possible", text) != 0) {
        return 0;
    }
    for (char *c = text; *c != '\0'; c++) {
        number = *c == '-' || *c == ',' ? c + 1 : number;
    }
    return mig_text_to_u64(number, CPUS_LIMIT - 1, &last) ? (unsigned)last + 1 : 0;
}

static void end_run(struct kind *k)
{
    const char *gap = k->cpus.len > 0 ? " " : "";

    if (k->first == k->last) {
        mig_text_addf(&k->cpus, "%s%u", gap, k->first);
    } else {
        mig_text_addf(&k->cpus, "%s%u-%u", gap, k->first, k->last);
    }
}

static void see(struct kinds *kinds, uint64_t value, unsigned cpu)
{
    struct kind *k = NULL;

    for (size_t i = 0; i < kinds->len; i++) {
        if (kinds->items[i].value == value) {
            k = &kinds->items[i];
        }
    }
    if (k != NULL && k->last + 1 == cpu) {
        k->last = cpu;
    } else if (k != NULL) {
        end_run(k);
        k->first = k->last = cpu;
    } else if (kinds->len < KINDS_MAX) {
        k = &kinds->items[kinds->len++];
        k->value = value;
        k->first = k->last = cpu;
    }
}

/* "0x410fd0c0: 0-3; 0x410fd4f0: 4-7" */
static void add_kinds(struct mig_builder *b, const char *name, struct kinds *kinds,
                      const char *source)
{
    struct mig_text all = {0};
    char differs[64], first[32];

    for (size_t i = 0; i < kinds->len; i++) {
        struct kind *k = &kinds->items[i];

        end_run(k);
        mig_text_addf(&all, "%s0x%" PRIx64 ": %s", i > 0 ? "; " : "", k->value, k->cpus.items);
        mig_text_clear(&k->cpus);
    }
    if (kinds->len > 0) {
        (void)snprintf(first, sizeof first, "0x%" PRIx64, kinds->items[0].value);
        mig_builder_add_fact(b, name, first, source);
    }
    if (kinds->len > 1) {
        (void)snprintf(differs, sizeof differs, "%s-differs", name);
        mig_builder_add_fact(b, differs, all.items, source);
    }
    mig_text_clear(&all);
}

/* 0 or errno. */
static int read_register(int root, const char *path, uint64_t *ret)
{
    char text[MIG_COLLECT_TEXT_MAX];
    int errnum = mig_collect_file_read(root, path, text);

    return errnum != 0 || mig_text_to_u64(text, UINT64_MAX, ret) ? errnum : EINVAL;
}

static void add_register(struct mig_builder *b, int root, const char *reg, unsigned cpus)
{
    struct kinds kinds = {0};
    char name[32], source[128];

    (void)snprintf(name, sizeof name, "cpu.%s", reg);
    (void)snprintf(source, sizeof source, CPUS_FOLDER "/cpu*/regs/identification/%s_el1", reg);
    for (unsigned cpu = 0; cpu < cpus; cpu++) {
        char path[128], one[64];
        uint64_t value;
        int errnum;

        (void)snprintf(path, sizeof path, CPUS_FOLDER "/cpu%u/regs/identification/%s_el1", cpu,
                       reg);
        errnum = read_register(root, path, &value);
        if (errnum == 0) {
            see(&kinds, value, cpu);
        } else if (errnum != ENOENT && errnum != ENOTDIR) { /* those: offline */
            (void)snprintf(one, sizeof one, "%s.%u", name, cpu);
            mig_builder_add_unreadable_fact(b, one, errnum, path);
        }
    }
    add_kinds(b, name, &kinds, source);
}

void mig_collect_midr(struct mig_builder *b, int root)
{
    unsigned cpus = count_cpus(root);

    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++) {
        add_register(b, root, registers[i], cpus);
    }
}
