/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/launch.h"

#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "vmm/process.h"

enum how { HOW_ALWAYS, HOW_MACHINE, HOW_POWER, HOW_CPU };

static const struct option {
    const char *name;
    enum how how;
} options[] = {
#define OPTION(name, how, why) {name, HOW_##how},
#include "vmm/launch.def"
};

void mig_launch_add(struct mig_launch *l, const char *option, const char *value)
{
    *MIG_PUSH(l) = mig_strf("-%s", option);
    if (value != NULL) {
        *MIG_PUSH(l) = mig_strdup(value);
    }
}

/* A comma is spelt as two. */
void mig_launch_add_global(struct mig_launch *l, const char *type, const char *name,
                           const char *value)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    mig_text_addf(&t, "driver=%s,property=%s,value=", type, name);
    for (const char *c = value; *c != '\0'; c++) {
        mig_text_add_bytes(&t, *c == ',' ? ",," : c, *c == ',' ? 2 : 1);
    }
    mig_launch_add(l, "global", t.items);
}

/* "-machine" and "--machine" are one. */
static const struct option *find_option(const char *arg)
{
    for (size_t i = 0; arg[0] == '-' && i < MIG_COUNT(options); i++) {
        if (strcmp(arg + (arg[1] == '-' ? 2 : 1), options[i].name) == 0) {
            return &options[i];
        }
    }
    return NULL;
}

/* Copy of what stands behind "@key=" in "pc,accel=kvm,kernel-irqchip=split",
 * where '_' is as good as '-'; NULL: nothing.  The caller frees. */
static char *value_of(const char *list, const char *key)
{
    size_t key_len = strlen(key);

    while (*list != '\0') {
        size_t len = strcspn(list, ","), i = 0;

        while (i < key_len && i < len && (list[i] == '_' ? '-' : list[i]) == key[i]) {
            i++;
        }
        if (i == key_len && list[i] == '=') {
            return mig_strndup(list + i + 1, len - i - 1);
        }
        list += len + (list[len] == ',' ? 1 : 0);
    }
    return NULL;
}

/* The last word that any option of kind @how says about @key, as QEMU takes
 * it; the caller frees. */
static char *last_value(const struct mig_process *p, enum how how, const char *key)
{
    MIG_AUTO(mig_free) char *found = NULL;

    for (size_t i = 1; i + 1 < p->args_len; i++) {
        const struct option *o = find_option(p->args[i]);
        char *value = o != NULL && o->how == how ? value_of(p->args[i + 1], key) : NULL;

        if (value != NULL) {
            mig_free(found);
            found = value;
        }
    }
    return mig_steal(&found);
}

void mig_launch_add_machine(struct mig_launch *l, const struct mig_process *p, const char *accel,
                            const char *machine)
{
    MIG_AUTO(mig_free) char *irqchip = last_value(p, HOW_MACHINE, "kernel-irqchip");
    MIG_AUTO(mig_free)
    char *whole = mig_strf("%s%s%s", accel, irqchip != NULL ? ",kernel-irqchip=" : "",
                           irqchip != NULL ? irqchip : "");

    mig_launch_add(l, "accel", whole);
    mig_launch_add(l, "machine", machine);
}

/* "-global max-x86_64-cpu.x=y" or "-global driver=max-x86_64-cpu,...", the
 * latter in any order. */
static bool is_of_cpu(const char *global)
{
    MIG_AUTO(mig_free) char *driver = value_of(global, "driver");

    if (driver == NULL) {
        driver = mig_strndup(global, strcspn(global, "."));
    }
    return mig_text_ends(driver, "-cpu");
}

void mig_launch_add_options(struct mig_launch *l, const struct mig_process *p, bool with_cpu)
{
    MIG_AUTO(mig_free) char *power = last_value(p, HOW_POWER, "cpu-pm");

    for (size_t i = 1; i + 1 < p->args_len; i++) {
        const struct option *o = find_option(p->args[i]);

        if (o != NULL && (o->how == HOW_ALWAYS ||
                          (o->how == HOW_CPU && with_cpu &&
                           (strcmp(o->name, "global") != 0 || is_of_cpu(p->args[i + 1]))))) {
            mig_launch_add(l, o->name, p->args[i + 1]);
        }
    }
    if (power != NULL) {
        MIG_AUTO(mig_free) char *value = mig_strf("cpu-pm=%s", power);

        mig_launch_add(l, "overcommit", value);
    }
}

bool mig_launch_speaks_of(const struct mig_process *p, const char *word)
{
    for (size_t i = 1; i + 1 < p->args_len; i++) {
        const struct option *o = find_option(p->args[i]);

        if (o != NULL && o->how == HOW_CPU && strstr(p->args[i + 1], word) != NULL) {
            return true;
        }
    }
    return false;
}

void mig_launch_clear(struct mig_launch *l)
{
    for (size_t i = 0; i < l->len; i++) {
        mig_free(l->items[i]);
    }
    mig_free(l->items);
    *l = (struct mig_launch){.items = NULL};
}
