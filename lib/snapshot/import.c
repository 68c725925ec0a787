/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/import.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/json.h"
#include "snapshot/vcpu.h"

static const struct mig_importer importers[] = {
#define IMPORT(file, name, title)                                                                  \
    {name, title, mig_import_##file##_recognises, mig_import_##file##_read, false},
#define IMPORT_GUEST(file, name, title)                                                            \
    {name, title, mig_import_##file##_recognises, mig_import_##file##_read, true},
#include "snapshot/import.def"
};

bool mig_import_snapshot_json_recognises(const char *text, size_t len)
{
    return text[0] == '{' && memmem(text, len, "\"migctl/", 8) != NULL;
}

bool mig_import_snapshot_json_read(const char *text, size_t len, struct mig_snapshot **ret,
                                   struct mig_error *err)
{
    return mig_snapshot_from_json(text, len, ret, err);
}

/* KVM's feature MSRs; every other one in a dump is state of a vCPU. */
bool mig_import_takes_msr(uint32_t index)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x8b,       0x8b      }, /* microcode revision */
        {0xce,       0xce      }, /* platform info */
        {0x10a,      0x10a     }, /* architectural capabilities */
        {0x345,      0x345     }, /* performance capabilities */
        {0x480,      0x491     }, /* VMX controls */
        {0xc0011029, 0xc0011029}, /* AMD decode configuration */
    };

    for (size_t i = 0; i < MIG_COUNT(ranges); i++) {
        if (index >= ranges[i].first && index <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

bool mig_import_arch(const char *name, enum mig_arch *ret)
{
    static const struct {
        const char *name;
        enum mig_arch arch;
    } rows[] = {
        {"x86_64",  MIG_ARCH_X86  },
        {"i686",    MIG_ARCH_X86  },
        {"aarch64", MIG_ARCH_ARM64},
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            *ret = rows[i].arch;
            return true;
        }
    }
    return false;
}

uint64_t mig_import_signature(uint64_t family, uint64_t model, uint64_t stepping)
{
    uint64_t base = family < 0xf ? family : 0xf;

    return (family - base) << 20 | (model >> 4 & 0xf) << 16 | base << 8 | (model & 0xf) << 4 |
           stepping;
}

void mig_import_set_text(struct mig_builder *b, uint32_t leaf, const enum mig_part *order,
                         size_t len, const char *text)
{
    size_t chars = strlen(text);

    for (size_t i = 0; i < len; i++) {
        uint64_t word = 0;

        for (size_t byte = 0; byte < 4 && i * 4 + byte < chars; byte++) {
            word |= (uint64_t)(unsigned char)text[i * 4 + byte] << (8 * byte);
        }
        mig_builder_set(b, mig_reg_cpuid(leaf, 0, order[i]), word);
    }
}

/* The 48 characters of leaves 80000002 to 80000004. */
static void read_model_name(const struct mig_snapshot *s, char ret[49])
{
    for (uint32_t i = 0; i < 12; i++) {
        uint64_t word;

        (void)mig_snapshot_get(s, mig_reg_cpuid(0x80000002 + i / 4, 0, (enum mig_part)(i % 4)),
                               &word);
        for (unsigned byte = 0; byte < 4; byte++) {
            ret[i * 4 + byte] = (char)(word >> (8 * byte) & 0x7f);
        }
    }
    ret[48] = '\0';
}

bool mig_import_finish(struct mig_builder *b, const char *format, struct mig_snapshot **ret,
                       struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    char model[49], vendor[13], *name;

    if (!mig_builder_freeze(b, &s, err)) {
        return false;
    }
    mig_builder_add_fact(b, "import.format", format, "");
    if (s->arch == MIG_ARCH_ARM64 && !mig_vcpu_finish(b, s, err)) {
        return false;
    }
    if (s->arch == MIG_ARCH_X86) {
        mig_snapshot_vendor(s, vendor);
        read_model_name(s, model);
        name = mig_text_trim(model);
        if (vendor[0] != '\0') { /* a dump may lack leaf 0 */
            mig_builder_add_fact(b, "cpu.vendor", vendor, "CPUID leaf 0");
        }
        if (name[0] != '\0' && mig_snapshot_fact(s, "cpu.model-name") == NULL) {
            mig_builder_add_fact(b, "cpu.model-name", name, "CPUID leaves 80000002 to 80000004");
        }
    }
    return mig_builder_freeze(b, ret, err);
}

static const struct mig_importer *find_importer(const char *text, size_t len, bool of_guest)
{
    for (size_t i = 0; i < MIG_COUNT(importers); i++) {
        if ((of_guest || !importers[i].of_guest) && importers[i].recognises(text, len)) {
            return &importers[i];
        }
    }
    return NULL;
}

static bool fail_unknown(bool of_guest, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text known = {0};

    for (size_t i = 0; i < MIG_COUNT(importers); i++) {
        if (of_guest || !importers[i].of_guest) {
            mig_text_addf(&known, "%s%s", i == 0 ? "" : ", ", importers[i].title);
        }
    }
    return mig_fail(err, MIG_FORMAT, "file of no known format; known are %s", known.items);
}

static bool import(const char *name, const char *text, size_t len, bool of_guest,
                   struct mig_snapshot **ret, const char **ret_format, struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_free) char *copy = NULL;
    const struct mig_importer *importer;
    bool (*read)(const char *, size_t, struct mig_snapshot **, struct mig_error *);

    if (len > MIG_IMPORT_BYTES_MAX) {
        return mig_fail(err, MIG_LIMIT, "larger than %u bytes", MIG_IMPORT_BYTES_MAX);
    }
    while (len > 0 && strchr(" \t\r\n", text[0]) != NULL && text[0] != '\0') {
        text++;
        len--;
    }
    if (len == 0) {
        return mig_fail(err, MIG_FORMAT, "empty file, of no known format");
    }
    copy = mig_alloc(len + 1, 1);
    memcpy(copy, text, len);
    importer = find_importer(copy, len, of_guest);
    if (importer == NULL) {
        return fail_unknown(of_guest, err);
    }
    read = of_guest && importer->read == mig_import_cpuid_text_read
               ? mig_import_cpuid_text_read_guest
               : importer->read;
    if (!read(copy, len, &s, err)) {
        return mig_wrap(err, "%s", importer->title);
    }
    if (s->stamp.host[0] == '\0') {
        (void)snprintf(s->stamp.host, sizeof s->stamp.host, "%s", name);
        mig_text_make_printable(s->stamp.host);
    }
    *ret = mig_steal(&s);
    *ret_format = importer->name;
    return true;
}

bool mig_import(const char *name, const char *text, size_t len, struct mig_snapshot **ret,
                const char **ret_format, struct mig_error *err)
{
    return import(name, text, len, false, ret, ret_format, err);
}

bool mig_import_guest(const char *name, const char *text, size_t len, struct mig_snapshot **ret,
                      const char **ret_format, struct mig_error *err)
{
    return import(name, text, len, true, ret, ret_format, err);
}
