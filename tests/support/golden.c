/* SPDX-License-Identifier: Apache-2.0 */
#include "support/golden.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "support/check.h"
#include "support/snapshots.h"

#define FILE_MAX (1u << 20)

bool golden_open(struct golden *g, const char *relative)
{
    MIG_AUTO(mig_free) char *path = check_shared_path(relative);
    struct mig_error err;

    *g = (struct golden){0};
    if (path == NULL) {
        return false;
    }
    check_done(relative, mig_file_read(path, FILE_MAX, &g->file, &err), &err);
    g->rest = (char *)g->file.items;
    (void)strsep(&g->rest, "\n");
    return true;
}

bool golden_next(struct golden *g, char **ret, size_t columns)
{
    char *line = strsep(&g->rest, "\n");

    if (line == NULL || *line == '\0') {
        return false;
    }
    for (size_t i = 0; i < columns; i++) {
        ret[i] = strsep(&line, "\t");
    }
    return true;
}

void golden_clear(struct golden *g)
{
    mig_bytes_clear(&g->file);
}

struct mig_snapshot *golden_host(const char *cpu, const char *kernel)
{
    MIG_AUTO(mig_free) char *name = mig_strf("%s-%s", cpu, kernel);
    MIG_AUTO(mig_free) char *relative = NULL, *path = NULL;

    for (char *p = name; *p != '\0'; p++) {
        *p = (char)(*p == '_' ? '-' : *p >= 'A' && *p <= 'Z' ? *p + ('a' - 'A') : *p);
    }
    relative = mig_strf("tests/hosts/%s.json", name);
    path = check_source_path(relative);
    return access(path, R_OK) == 0 ? snapshot_host(name) : NULL;
}

struct mig_reg golden_reg(const char *word)
{
    MIG_AUTO(mig_free) char *text = NULL;
    struct mig_reg reg = {0};
    struct mig_error err;

    if (strncmp(word, "msr.0x", 6) == 0) {
        text = mig_strf("x86/msr/%s", word + 6);
    } else {
        text = mig_strf("x86/cpuid/%s", word + strlen("0x"));
        *strrchr(text, '.') = '/';
    }
    check_done(word, mig_reg_parse(text, &reg, &err), &err);
    return reg;
}
