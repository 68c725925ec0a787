/* SPDX-License-Identifier: Apache-2.0 */
#include "base/options.h"

#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"

#define CONFIG_MAX (256u * 1024)

static void *member(const struct mig_option *row, void *target)
{
    return (char *)target + row->offset;
}

bool mig_options_parse_ms(const char *value, uint64_t *ret)
{
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {
        {"ms", 1       },
        {"s",  1000    },
        {"m",  60000   },
        {"h",  3600000 },
        {"d",  86400000}
    };
    size_t digits = strspn(value, "0123456789");
    uint64_t number;

    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(value + digits, units[i].unit) == 0 &&
            mig_text_digits(value, digits, 10, UINT32_MAX, &number)) {
            *ret = number * units[i].ms;
            return true;
        }
    }
    return false;
}

static bool parse_flag(const char *value, bool *ret)
{
    bool yes = strcmp(value, "yes") == 0 || strcmp(value, "true") == 0;

    if (!yes && strcmp(value, "no") != 0 && strcmp(value, "false") != 0) {
        return false;
    }
    *ret = yes;
    return true;
}

static void set_text(char **slot, const char *value, bool join)
{
    char *fresh = join && *slot != NULL ? mig_strf("%s,%s", *slot, value) : mig_strdup(value);

    mig_free(*slot);
    *slot = fresh;
}

static bool set(const struct mig_option *row, void *target, const char *value,
                struct mig_error *err)
{
    void *slot = member(row, target);

    switch (row->kind) {
    case MIG_OPTION_FLAG:
        return parse_flag(value, slot) ||
               mig_fail(err, MIG_USAGE, "%s: expected yes or no, got '%s'", row->name, value);
    case MIG_OPTION_NUMBER:
        return mig_text_to_u64(value, UINT64_MAX, slot) ||
               mig_fail(err, MIG_USAGE, "%s: expected a number, got '%s'", row->name, value);
    case MIG_OPTION_MS:
        return mig_options_parse_ms(value, slot) ||
               mig_fail(err, MIG_USAGE, "%s: expected a time such as 250ms, 5s or 30d, got '%s'",
                        row->name, value);
    case MIG_OPTION_TEXT:
    case MIG_OPTION_LIST:
        set_text(slot, value, row->kind == MIG_OPTION_LIST);
        return true;
    }
    MIG_ASSERT(false);
    return false;
}

void mig_options_init(const struct mig_options *o, void *target)
{
    for (size_t i = 0; i < o->len; i++) {
        struct mig_error err;

        if (o->rows[i].fallback != NULL) {
            MIG_ASSERT(set(&o->rows[i], target, o->rows[i].fallback, &err));
        }
    }
}

static const struct mig_option *find(const struct mig_options *o, const char *name, size_t len)
{
    for (size_t i = 0; i < o->len; i++) {
        if (strlen(o->rows[i].name) == len && strncmp(o->rows[i].name, name, len) == 0) {
            return &o->rows[i];
        }
    }
    return NULL;
}

static bool load_line(const struct mig_options *o, char *line, mig_options_also_fn *also,
                      void *target, struct mig_error *err)
{
    char *equals = strchr(line, '=');
    const struct mig_option *row;
    char *key, *value;

    if (equals == NULL) {
        return mig_fail(err, MIG_USAGE, "expected 'key = value'");
    }
    *equals = '\0';
    key = mig_text_trim(line);
    value = mig_text_trim(equals + 1);
    row = find(o, key, strlen(key));
    if (row != NULL) {
        return set(row, target, value, err);
    }
    if (also != NULL) {
        return also(target, key, value, err);
    }
    mig_text_make_printable(key);
    return mig_fail(err, MIG_USAGE, "unknown key '%s'", key);
}

bool mig_options_load(const struct mig_options *o, const char *path, mig_options_also_fn *also,
                      void *target, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    char *rest, *line;
    unsigned number = 0;

    if (!mig_file_read(path, CONFIG_MAX, &file, err)) {
        err->code = MIG_USAGE; /* too large is no worse than not there */
        return false;
    }
    if (memchr(file.items, '\0', file.len) != NULL) {
        return mig_fail(err, MIG_USAGE, "%s: holds a NUL byte, expected text", path);
    }
    rest = (char *)file.items;
    while ((line = strsep(&rest, "\n")) != NULL) {
        char *comment = strchr(line, '#');

        number++;
        if (comment != NULL) {
            *comment = '\0';
        }
        line = mig_text_trim(line);
        if (*line != '\0' && !load_line(o, line, also, target, err)) {
            err->code = MIG_USAGE;
            return mig_wrap(err, "%s: line %u", path, number);
        }
    }
    return true;
}

/* One "--name", "--name=value", "--name value", "--no-name" or "-x..." group.
 * @next is the word behind it; *ret_used says whether it was taken. */
static bool parse_long(const struct mig_options *o, const char *word, const char *next,
                       void *target, bool *ret_used, struct mig_error *err)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct mig_option *row = find(o, word, len);

    *ret_used = false;
    if (row == NULL && mig_text_starts(word, "no-")) {
        row = find(o, word + 3, len - 3);
        if (row != NULL && row->kind == MIG_OPTION_FLAG && equals == NULL) {
            return set(row, target, "no", err);
        }
        row = NULL;
    }
    if (row == NULL) {
        return mig_fail(err, MIG_USAGE, "unknown option '--%.*s'", (int)len, word);
    }
    if (row->kind == MIG_OPTION_FLAG) {
        return set(row, target, equals != NULL ? equals + 1 : "yes", err);
    }
    if (equals == NULL && next == NULL) {
        return mig_fail(err, MIG_USAGE, "option '--%s' needs %s", row->name, row->metavar);
    }
    *ret_used = equals == NULL;
    return set(row, target, equals != NULL ? equals + 1 : next, err);
}

static const struct mig_option *find_letter(const struct mig_options *o, char letter)
{
    for (size_t i = 0; i < o->len; i++) {
        if (o->rows[i].letter == letter) {
            return &o->rows[i];
        }
    }
    return NULL;
}

static bool parse_short(const struct mig_options *o, const char *word, const char *next,
                        void *target, bool *ret_used, struct mig_error *err)
{
    *ret_used = false;
    for (; *word != '\0'; word++) {
        const struct mig_option *row = find_letter(o, *word);

        if (row == NULL) {
            return mig_fail(err, MIG_USAGE, "unknown option '-%c'", *word);
        }
        if (row->kind != MIG_OPTION_FLAG) {
            *ret_used = word[1] == '\0';
            if (*ret_used && next == NULL) {
                return mig_fail(err, MIG_USAGE, "option '-%c' needs %s", *word, row->metavar);
            }
            return set(row, target, *ret_used ? next : word + 1, err);
        }
        if (!set(row, target, "yes", err)) {
            return false;
        }
    }
    return true;
}

bool mig_options_parse(const struct mig_options *o, int argc, char **argv, void *target,
                       int *ret_operands, int *ret_rest, struct mig_error *err)
{
    int kept = 0, i;

    for (i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool used = false, good = true;

        if (mig_text_starts(argv[i], "--")) {
            good = parse_long(o, argv[i] + 2, next, target, &used, err);
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            good = parse_short(o, argv[i] + 1, next, target, &used, err);
        } else {
            argv[++kept] = argv[i];
        }
        if (!good) {
            return false;
        }
        i += used ? 1 : 0;
    }
    *ret_operands = kept;
    *ret_rest = i < argc ? i + 1 : argc;
    return true;
}

void mig_options_help(const struct mig_options *o, FILE *out)
{
    for (size_t i = 0; i < o->len; i++) {
        const struct mig_option *row = &o->rows[i];
        MIG_AUTO(mig_text_clear) struct mig_text left = {0};

        if (row->letter != 0) {
            mig_text_addf(&left, "-%c, ", row->letter);
        } else {
            mig_text_add(&left, "    ");
        }
        mig_text_addf(&left, "--%s", row->name);
        if (row->metavar != NULL) {
            mig_text_addf(&left, " %s", row->metavar);
        }
        (void)fprintf(out, "  %-32s %s", left.items, row->help);
        if (row->fallback != NULL && row->kind != MIG_OPTION_FLAG) {
            (void)fprintf(out, " (default %s)", row->fallback);
        }
        (void)fputc('\n', out);
    }
}

void mig_options_dump(const struct mig_options *o, const void *target, FILE *out)
{
    for (size_t i = 0; i < o->len; i++) {
        const struct mig_option *row = &o->rows[i];
        const void *slot = (const char *)target + row->offset;

        switch (row->kind) {
        case MIG_OPTION_FLAG:
            (void)fprintf(out, "%s = %s\n", row->name, *(const bool *)slot ? "yes" : "no");
            break;
        case MIG_OPTION_NUMBER:
            (void)fprintf(out, "%s = %llu\n", row->name,
                          (unsigned long long)*(const uint64_t *)slot);
            break;
        case MIG_OPTION_MS:
            (void)fprintf(out, "%s = %llums\n", row->name,
                          (unsigned long long)*(const uint64_t *)slot);
            break;
        case MIG_OPTION_TEXT:
        case MIG_OPTION_LIST:
            if (*(char *const *)slot == NULL) {
                (void)fprintf(out, "# %s =\n", row->name);
            } else {
                (void)fprintf(out, "%s = %s\n", row->name, *(char *const *)slot);
            }
            break;
        }
    }
}

void mig_options_clear(const struct mig_options *o, void *target)
{
    for (size_t i = 0; i < o->len; i++) {
        if (o->rows[i].kind == MIG_OPTION_TEXT || o->rows[i].kind == MIG_OPTION_LIST) {
            char **slot = member(&o->rows[i], target);

            mig_free(*slot);
            *slot = NULL;
        }
    }
}
