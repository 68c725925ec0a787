/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/launch.h: the arguments with which a second QEMU shows its guest the
 * same CPU as one that runs already.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct mig_process; /* vmm/process.h */

/* Zero-initialised is empty. */
struct mig_launch {
    char **items; /* without the program's name */
    size_t len, cap;
};

/* "-OPTION VALUE", copies of both. */
void mig_launch_add(struct mig_launch *l, const char *option, const char *value);

/* A property of every device of @type.  -cpu takes no comma in a value, this
 * does. */
void mig_launch_add_global(struct mig_launch *l, const char *type, const char *name,
                           const char *value);

/* Accelerator and machine type, and where @p has its
 * interrupt controller. */
void mig_launch_add_machine(struct mig_launch *l, const struct mig_process *p, const char *accel,
                            const char *machine);

/* What @p was started with (launch.def): all that QMP does not tell; the CPU
 * and its topology too if @with_cpu. */
void mig_launch_add_options(struct mig_launch *l, const struct mig_process *p, bool with_cpu);

/* Do the CPU's options of @p speak of @word, "tsc-freq"? */
bool mig_launch_speaks_of(const struct mig_process *p, const char *word);

void mig_launch_clear(struct mig_launch *l);
static inline void mig_launch_clear_auto(struct mig_launch *l)
{
    mig_launch_clear(l);
}
