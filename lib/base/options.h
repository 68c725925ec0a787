/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/options.h: one table of options feeds the command line, the
 * "key = value" file, --help and --dump-config.  Order: defaults, file,
 * command line; afterwards the parsed struct is const.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

enum mig_option_kind {
    MIG_OPTION_FLAG,   /* bool; in a file: yes or no */
    MIG_OPTION_TEXT,   /* char *, owned by the struct, or NULL */
    MIG_OPTION_NUMBER, /* uint64_t */
    MIG_OPTION_MS,     /* uint64_t milliseconds, written "5s", "250ms", "2m", "1d" */
    MIG_OPTION_LIST,   /* char *: values of repeated options joined by commas */
};

struct mig_option {
    const char *name; /* long name, also the key in a file */
    char letter;      /* short name or 0 */
    enum mig_option_kind kind;
    size_t offset;        /* of the member in the program's struct */
    const char *metavar;  /* NULL for a flag */
    const char *fallback; /* default as text, or NULL */
    const char *help;
};

struct mig_options {
    const struct mig_option *rows;
    size_t len;
};

/* "250ms", "5s", "2m", "1h", "30d". */
MIG_MUST_CHECK bool mig_options_parse_ms(const char *value, uint64_t *ret);

/* Fill @target with every default. */
void mig_options_init(const struct mig_options *o, void *target);

/* Read "key = value" lines; '#' starts a comment.  Unknown keys, unless @also
 * (may be NULL) takes them, and bad values name file and line. */
typedef bool mig_options_also_fn(void *target, const char *key, const char *value,
                                 struct mig_error *err);
MIG_MUST_CHECK bool mig_options_load(const struct mig_options *o, const char *path,
                                     mig_options_also_fn *also, void *target,
                                     struct mig_error *err);

/* Read @argv from index 1; options and operands may mix until "--".  Operands
 * stay in @argv in order: argv[1] .. argv[*ret_operands]; what follows "--" is
 * argv[*ret_rest] .. NULL (equal to the end when there is none). */
MIG_MUST_CHECK bool mig_options_parse(const struct mig_options *o, int argc, char **argv,
                                      void *target, int *ret_operands, int *ret_rest,
                                      struct mig_error *err);

void mig_options_help(const struct mig_options *o, FILE *out);

/* Every option with its present value, as a file that loads again. */
void mig_options_dump(const struct mig_options *o, const void *target, FILE *out);

void mig_options_clear(const struct mig_options *o, void *target);
