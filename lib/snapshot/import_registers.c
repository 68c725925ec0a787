/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "cpu/arm64_reg.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/keyset.h"
#include "snapshot/onereg.h"

#define COLUMNS_MAX 4
#define INDEX_PMCR 0x13dce0

/*
 * Lists of arm64 registers by name, in four forms:
 *   LIST     NAME VALUE, with white space, ':' or '=' in between
 *   TABLE    columns machine, register, value and source with tabs, of one
 *            machine
 *   IDREGS   "     SYS_MIDR_EL1:\t00000000413fd0c1": what KVM's debugfs tells
 *            of one VM
 *   BITS     "MIDR_EL1: 0000 ... - 0100 ...", with its fields indented below
 * What a kernel or a guest read for itself is not what KVM grants: only IDREGS
 * comes from KVM.
 */
enum form { FORM_LIST, FORM_TABLE, FORM_IDREGS, FORM_BITS };

#define TABLE_HEAD "machine\tregister\tvalue"

/* "CTR_EL0", "S3_0_C0_C6_7", "0x603000000013c020". */
static bool is_register(const char *text, size_t len)
{
    bool id = len == 18 && (strncmp(text, "0x60", 4) == 0 || /* or the other way round */
                            (strncmp(text, "0x", 2) == 0 && strncmp(text + 16, "60", 2) == 0));
    bool named = len > 4 && strncmp(text + len - 4, "_EL", 3) == 0 && text[len - 1] >= '0' &&
                 text[len - 1] <= '3';

    return id || named || (len > 9 && strncmp(text, "S3_", 3) == 0);
}

static size_t name_len(const char *text)
{
    return strcspn(text, " \t\r\n:=");
}

/* Start of the column after @column, or NULL. */
static const char *next_column(const char *column)
{
    column += strcspn(column, "\t\n");
    return *column == '\t' ? column + 1 : NULL;
}

static bool is_table_line(const char *line)
{
    const char *name = next_column(line);

    return mig_text_starts(line, TABLE_HEAD) ||
           (name != NULL && next_column(name) != NULL && is_register(name, strcspn(name, "\t\n")));
}

static const char *skip_blank_lines(const char *text)
{
    while (*text == '#' || isspace((unsigned char)*text)) {
        text += *text == '#' ? strcspn(text, "\n") : 1;
    }
    return text;
}

bool mig_import_registers_recognises(const char *text, size_t len)
{
    const char *line = skip_blank_lines(text);

    (void)len;
    return is_register(line, name_len(line)) || is_table_line(line);
}

struct reading {
    struct mig_builder *builder;
    enum form form;
    struct mig_keyset seen;
    struct mig_text unknown; /* names, never values: some are keys */
    char machine[MIG_NAME_MAX];
    const char *source;
    bool cited; /* the table's own source is a fact */
    size_t taken;
};

static void reading_clear_auto(struct reading *r)
{
    mig_builder_free(r->builder);
    mig_keyset_clear(&r->seen);
    mig_text_clear(&r->unknown);
}

/* 0x and up to 16 digits; KVM writes 16 without 0x. */
static bool parse_hex(const char *text, uint64_t *ret)
{
    size_t len = strlen(text);

    if (mig_text_starts(text, "0x")) {
        return len <= 18 && mig_text_digits(text + 2, len - 2, 16, UINT64_MAX, ret);
    }
    return len == 16 && mig_text_digits(text, len, 16, UINT64_MAX, ret);
}

/* "0000 0001 ... - 0100 0001 ...": 64 digits. */
static bool parse_bits(const char *text, uint64_t *ret)
{
    uint64_t value = 0;
    unsigned digits = 0;

    for (; *text != '\0'; text++) {
        if (*text == '0' || *text == '1') {
            value = value << 1 | (uint64_t)(*text == '1');
            digits++;
        } else if (*text != ' ' && *text != '-') {
            return false;
        }
    }
    *ret = value;
    return digits == 64;
}

/* What is quoted from a file goes to a terminal. */
struct quote {
    char text[41];
};

static struct quote quote(const char *text)
{
    struct quote q;

    (void)snprintf(q.text, sizeof q.text, "%s", text);
    mig_text_make_printable(q.text);
    return q;
}

static bool read_value(const struct reading *r, const char *name, const char *text, uint64_t *ret,
                       struct mig_error *err)
{
    if ((r->form == FORM_BITS ? parse_bits : parse_hex)(text, ret)) {
        return true;
    }
    if (r->form == FORM_BITS) {
        return mig_fail(err, MIG_FORMAT, "value of %.40s is not 64 binary digits", name);
    }
    return mig_fail(err, MIG_FORMAT,
                    "value '%s' of %.40s is neither 0x and up to 16 hex digits nor 16 digits",
                    quote(text).text, name);
}

/* Registers that stand among the properties of a host. */
static bool find_item(const char *name, enum mig_host_item *ret)
{
    static const struct {
        const char *name;
        enum mig_host_item item;
    } rows[] = {
        {"CNTFRQ_EL0", MIG_HOST_CNTFRQ_HZ   },
        {"DCZID_EL0",  MIG_HOST_DCZID       },
        {"PMCR_EL0",   MIG_HOST_PMU_COUNTERS},
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *ret = rows[i].item;
            return true;
        }
    }
    return false;
}

static bool read_item(struct reading *r, const char *name, enum mig_host_item item,
                      const char *text, struct mig_error *err)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, item);
    uint64_t value;

    if (!read_value(r, name, text, &value, err) || !mig_keyset_add(&r->seen, reg, err)) {
        return false;
    }
    if (item == MIG_HOST_PMU_COUNTERS) {
        value = value >> 11 & 31;
    }
    mig_builder_set(r->builder, reg, value);
    mig_builder_cover(r->builder, MIG_GROUP_ARM64, MIG_COVER_PARTIAL, 0, r->source);
    r->taken++;
    return true;
}

/* False without a message in @err: no name that is known. */
static bool find_register(const char *name, struct mig_reg *ret, bool *ret_known,
                          struct mig_error *err)
{
    uint64_t id;

    *ret_known = true;
    if (parse_hex(name, &id)) {
        return mig_onereg_from_id(id, ret, err);
    }
    *ret_known = mig_onereg_from_name(name, ret);
    return true;
}

static bool read_register(struct reading *r, const char *name, const char *text,
                          struct mig_error *err)
{
    struct mig_reg reg = {0};
    enum mig_host_item item;
    uint64_t value;
    bool known;

    name += mig_text_starts(name, "SYS_") ? 4 : 0;
    if (find_item(name, &item)) {
        return read_item(r, name, item, text, err);
    }
    if (!find_register(name, &reg, &known, err)) {
        return false;
    }
    if (!known && !isdigit((unsigned char)text[0]) && !parse_hex(text, &value)) {
        return mig_fail(err, MIG_FORMAT, "expected a register and its value, found '%s'",
                        quote(name).text);
    }
    if (!known) {
        mig_text_addf(&r->unknown, "%s%s", r->unknown.len == 0 ? "" : " ", name);
        return true;
    }
    if (!mig_onereg_is_granted(reg)) {
        return true;
    }
    reg.space = MIG_SPACE_IDREG;
    if (!read_value(r, name, text, &value, err) || !mig_keyset_add(&r->seen, reg, err)) {
        return false;
    }
    mig_builder_set(r->builder, reg, value);
    r->taken++;
    return true;
}

#define NAME_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_."

static bool is_name(const char *text)
{
    return text[0] != '\0' && strspn(text, NAME_LETTERS) == strlen(text);
}

static bool read_pair(struct reading *r, char *line, struct mig_error *err)
{
    size_t len = name_len(line);
    char *value = line + len + strspn(line + len, " \t:=");

    line[len] = '\0';
    if (!is_name(line) || value[0] == '\0') {
        return mig_fail(err, MIG_FORMAT, "expected a register and its value, found '%s'",
                        quote(line).text);
    }
    return read_register(r, line, value, err);
}

static bool check_machine(struct reading *r, const char *machine, struct mig_error *err)
{
    if (r->machine[0] == '\0') {
        (void)snprintf(r->machine, sizeof r->machine, "%s", machine);
        mig_text_make_printable(r->machine);
    }
    return machine[0] != '\0' || mig_fail(err, MIG_FORMAT, "the column machine is empty");
}

static bool read_row(struct reading *r, char *line, struct mig_error *err)
{
    char *columns[COLUMNS_MAX] = {line};

    if (mig_text_starts(line, TABLE_HEAD)) {
        return true;
    }
    for (size_t i = 1; i < COLUMNS_MAX; i++) {
        char *tab = columns[i - 1] == NULL ? NULL : strchr(columns[i - 1], '\t');

        if (tab != NULL) {
            *tab = '\0';
            columns[i] = tab + 1;
        }
    }
    if (columns[2] == NULL || !is_name(columns[1])) {
        return mig_fail(err, MIG_FORMAT, "expected machine, register and value with tabs between");
    }
    if (columns[3] != NULL && !r->cited) {
        mig_builder_add_fact(r->builder, "registers.source", columns[3], r->source);
        r->cited = true;
    }
    return check_machine(r, columns[0], err) && read_register(r, columns[1], columns[2], err);
}

static bool read_line(struct reading *r, char *line, struct mig_error *err)
{
    bool indented = line[0] == ' ' || line[0] == '\t';
    char *trimmed = mig_text_trim(line);

    if (trimmed[0] == '\0' || trimmed[0] == '#' || (r->form == FORM_BITS && indented)) {
        return true;
    }
    return r->form == FORM_TABLE ? read_row(r, line, err) : read_pair(r, trimmed, err);
}

/* Cut the line off and give the next one. */
static bool next_line(char **line, char *end, char **ret_next, struct mig_error *err)
{
    char *stop = memchr(*line, '\n', (size_t)(end - *line));

    if (stop == NULL) {
        stop = end;
    }
    *stop = '\0';
    *ret_next = stop + 1;
    return strlen(*line) == (size_t)(stop - *line) || mig_fail(err, MIG_FORMAT, "holds a NUL byte");
}

static bool read_lines(struct reading *r, char *text, size_t len, struct mig_error *err)
{
    char *line = text, *next;

    for (unsigned number = 1; line < text + len; number++) {
        if (!next_line(&line, text + len, &next, err) || !read_line(r, line, err)) {
            return mig_wrap(err, "line %u", number);
        }
        line = next;
    }
    return true;
}

/* Whether all of a table is about one machine; else they are named. */
static bool check_one_machine(const char *text, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text names = {0};
    size_t first_len = 0, last_len = 0, machines = 0;
    const char *first = NULL, *last = "";
    char name[41];

    for (const char *line = text; *line != '\0';) {
        size_t len = strcspn(line, "\t\n");

        if (line[len] == '\t' && line[0] != '#' && !mig_text_starts(line, TABLE_HEAD) &&
            (len != last_len || strncmp(line, last, len) != 0)) {
            first = first == NULL ? line : first;
            first_len = first == line ? len : first_len;
            last = line;
            last_len = len;
            machines++;
            if (names.len < 80) {
                mig_text_addf(&names, "%s%.*s", machines == 1 ? "" : ", ", (int)len, line);
            }
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    if (machines < 2) {
        return true;
    }
    mig_text_make_printable(names.items);
    (void)snprintf(name, sizeof name, "%.*s", (int)first_len, first);
    return mig_fail(err, MIG_FORMAT,
                    "rows of %zu machines (%.100s%s); keep those of one: "
                    "awk -F'\\t' '$1 == \"%s\"' FILE", /* for a shell */
                    machines, names.items, names.len > 80 ? ", ..." : "",
                    strspn(name, NAME_LETTERS ":-") == strlen(name) ? name : "NAME");
}

static enum form form_of(const char *text)
{
    const char *line = skip_blank_lines(text), *value;

    if (is_table_line(line)) {
        return FORM_TABLE;
    }
    value = line + name_len(line);
    if (*value != ':') {
        return FORM_LIST;
    }
    value += 1 + strspn(value + 1, " \t");
    if (strspn(value, "01") == 4 && value[4] == ' ') {
        return FORM_BITS;
    }
    return strcspn(value, " \t\r\n") == 16 && value[1] != 'x' ? FORM_IDREGS : FORM_LIST;
}

static const char *source_of(enum form form)
{
    static const char *const sources[] = {
        [FORM_LIST] = "list of registers, as read by code",
        [FORM_TABLE] = "table of registers, as read by code",
        [FORM_IDREGS] = "KVM debugfs idregs, of one VM",
        [FORM_BITS] = "registers in bits, as read by code",
    };

    return sources[form];
}

bool mig_import_registers_read(const char *text, size_t len, struct mig_snapshot **ret,
                               struct mig_error *err)
{
    MIG_AUTO(reading_clear) struct reading r = {.form = form_of(text)};
    MIG_AUTO(mig_free) char *copy = mig_alloc(len + 1, 1);
    struct mig_stamp stamp = {0};

    memcpy(copy, text, len);
    r.source = source_of(r.form);
    r.builder = mig_builder_new(MIG_ARCH_ARM64);
    mig_builder_cover(r.builder, MIG_GROUP_IDREG, MIG_COVER_PARTIAL, 0, r.source);
    mig_builder_cover(r.builder, MIG_GROUP_KVM_VIEW,
                      r.form == FORM_IDREGS ? MIG_COVER_FULL : MIG_COVER_NONE, 0, r.source);
    if ((r.form == FORM_TABLE && !check_one_machine(text, err)) ||
        !read_lines(&r, copy, len, err)) {
        return false;
    }
    if (r.taken == 0) {
        return mig_fail(err, MIG_FORMAT, "no ID register is in it");
    }
    if (r.unknown.len > 0) {
        mig_builder_add_fact(r.builder, "registers.unknown", r.unknown.items, r.source);
    }
    memcpy(stamp.host, r.machine, sizeof stamp.host);
    mig_builder_stamp(r.builder, &stamp);
    return mig_import_finish(r.builder, "arm64-registers", ret, err);
}
