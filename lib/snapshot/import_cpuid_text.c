/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/raw.h"

#define SOURCE "cpuid -r"

/*
 * "CPU 0:" or "CPU:", then a line per leaf and subleaf:
 *    0x00000007 0x00: eax=0x00000000 ebx=0x009c0129 ecx=0x00000000 edx=0x00000000
 */
bool mig_import_cpuid_text_recognises(const char *text, size_t len)
{
    return mig_text_starts(text, "CPU") && memmem(text, len, ": eax=0x", 8) != NULL;
}

/* One CPU is read at a time; the first one stays to be compared with. */
struct reading {
    struct mig_raw first, present;
    char name[32]; /* "CPU 3" */
    unsigned cpus;
};

static void reading_clear_auto(struct reading *r)
{
    mig_raw_clear(&r->first);
    mig_raw_clear(&r->present);
}

static bool finish_cpu(struct reading *r, struct mig_error *err)
{
    if (r->cpus == 1) {
        r->first = r->present;
        r->present = (struct mig_raw){0};
    } else if (r->cpus > 1) {
        bool same = mig_raw_check_same(&r->first, &r->present, r->name, err);

        mig_raw_clear(&r->present);
        return same;
    }
    return true;
}

/* "CPU:" or "CPU 12:" */
static bool read_heading(struct reading *r, const char *line, struct mig_error *err)
{
    size_t len = strlen(line);
    uint64_t number;

    if (line[len - 1] != ':' ||
        (len > 4 && (line[3] != ' ' || !mig_text_digits(line + 4, len - 5, 10, 65535, &number)))) {
        return mig_fail(err, MIG_FORMAT, "expected 'CPU:' or 'CPU NUMBER:'");
    }
    if (!finish_cpu(r, err)) {
        return false;
    }
    (void)snprintf(r->name, sizeof r->name, "%.*s", (int)(len - 1), line);
    r->cpus++;
    return true;
}

/* @text starts with @label and hex digits; moves behind both. */
static bool read_hex(const char **text, const char *label, uint64_t max, uint64_t *ret)
{
    const char *p = *text;
    size_t len = 0;

    if (!mig_text_starts(p, label)) {
        return false;
    }
    p += strlen(label);
    while (isxdigit((unsigned char)p[len])) {
        len++;
    }
    *text = p + len;
    return mig_text_digits(p, len, 16, max, ret);
}

static bool read_leaf(struct reading *r, const char *line, struct mig_error *err)
{
    static const char *const labels[] = {": eax=0x", " ebx=0x", " ecx=0x", " edx=0x"};
    struct mig_raw_leaf leaf = {0};
    const char *p = line;
    uint64_t index = 0, sub = 0, word;
    bool fits;

    fits = read_hex(&p, "0x", UINT32_MAX, &index) && read_hex(&p, " 0x", UINT16_MAX, &sub);
    for (unsigned part = 0; fits && part < 4; part++) {
        fits = read_hex(&p, labels[part], UINT32_MAX, &word);
        leaf.words[part] = fits ? (uint32_t)word : 0;
    }
    if (!fits || *p != '\0') {
        return mig_fail(err, MIG_FORMAT,
                        "expected '0xLEAF 0xSUBLEAF: eax=0x... ebx=0x... ecx=0x... edx=0x...'");
    }
    if (r->cpus == 0) {
        return mig_fail(err, MIG_FORMAT, "a leaf stands before the first 'CPU' line");
    }
    leaf.index = (uint32_t)index;
    leaf.sub = (uint16_t)sub;
    return mig_raw_add(&r->present, &leaf, err);
}

static bool read_line(struct reading *r, const char *line, struct mig_error *err)
{
    if (line[0] == '\0') {
        return true;
    }
    return mig_text_starts(line, "CPU") ? read_heading(r, line, err) : read_leaf(r, line, err);
}

static bool read_lines(struct reading *r, char *text, size_t len, struct mig_error *err)
{
    char *line = text, *end = text + len;

    for (unsigned number = 1; line < end; number++) {
        char *stop = memchr(line, '\n', (size_t)(end - line));

        if (stop == NULL) {
            stop = end;
        }
        *stop = '\0';
        if (strlen(line) != (size_t)(stop - line)) {
            return mig_fail(err, MIG_FORMAT, "line %u: holds a NUL byte", number);
        }
        if (!read_line(r, mig_text_trim(line), err)) {
            return mig_wrap(err, "line %u", number);
        }
        line = stop + 1;
    }
    return finish_cpu(r, err);
}

static bool read_dump(const char *text, size_t len, bool of_guest, struct mig_snapshot **ret,
                      struct mig_error *err)
{
    MIG_AUTO(reading_clear) struct reading r = {0};
    MIG_AUTO(mig_free) char *copy = mig_alloc(len + 1, 1);
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);

    memcpy(copy, text, len);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, SOURCE);
    if (!read_lines(&r, copy, len, err) || !mig_raw_pour(&r.first, b, err)) {
        return false;
    }
    if (of_guest) {
        mig_raw_pour_hypervisor(&r.first, b, SOURCE);
    }
    return mig_import_finish(b, "cpuid-raw", ret, err);
}

bool mig_import_cpuid_text_read(const char *text, size_t len, struct mig_snapshot **ret,
                                struct mig_error *err)
{
    return read_dump(text, len, false, ret, err);
}

bool mig_import_cpuid_text_read_guest(const char *text, size_t len, struct mig_snapshot **ret,
                                      struct mig_error *err)
{
    return read_dump(text, len, true, ret, err);
}
