/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/cpumap.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/file.h"
#include "snapshot/xml.h"

#define FILE_BYTES_MAX (1u * 1024 * 1024)
#define FILES_MAX 1024
#define ANCESTORS_MAX 16

/* One bit set of one register; a feature has one or more, each with its name. */
struct bits {
    char *name;
    struct mig_reg reg;
    uint64_t mask;
};

struct mig_cpumap {
    struct {
        struct bits *items;
        size_t len, cap;
    } features;
    struct {
        const xmlNode **items;
        size_t len, cap;
    } models; /* "model" elements, borrowed from the documents */
    struct {
        xmlNode **items;
        size_t len, cap;
    } documents;
};

const char *mig_cpumap_folder(void)
{
    const char *wish = secure_getenv("MIG_LIBVIRT_CPU_MAP");

    return wish != NULL && wish[0] != '\0' ? wish : MIG_CPUMAP_FOLDER;
}

struct mig_cpumap *mig_cpumap_new(void)
{
    return MIG_NEW(struct mig_cpumap);
}

void mig_cpumap_free(struct mig_cpumap *map)
{
    if (map == NULL) {
        return;
    }
    for (size_t i = 0; i < map->features.len; i++) {
        mig_free(map->features.items[i].name);
    }
    for (size_t i = 0; i < map->documents.len; i++) {
        mig_xml_free(map->documents.items[i]);
    }
    mig_free(map->features.items);
    mig_free(map->models.items);
    mig_free(map->documents.items);
    mig_free(map);
}

static void add_bits(struct mig_cpumap *map, const char *name, struct mig_reg reg, uint64_t mask)
{
    if (mask != 0) {
        *MIG_PUSH(&map->features) = (struct bits){mig_strdup(name), reg, mask};
    }
}

/* <cpuid eax_in='0x7' ecx_in='0x0' ebx='0x00000020'/> */
static bool add_cpuid(struct mig_cpumap *map, const char *name, const xmlNode *e,
                      struct mig_error *err)
{
    uint64_t leaf, sub = 0;

    if (!mig_xml_get_number(e, "eax_in", UINT32_MAX, &leaf, err) ||
        !mig_xml_find_number(e, "ecx_in", UINT16_MAX, &sub, err)) {
        return false;
    }
    for (enum mig_part part = MIG_EAX; part <= MIG_EDX; part++) {
        uint64_t mask = 0;

        if (!mig_xml_find_number(e, mig_part_name(part), UINT32_MAX, &mask, err)) {
            return false;
        }
        add_bits(map, name, mig_reg_cpuid((uint32_t)leaf, (uint16_t)sub, part), mask);
    }
    return true;
}

/* <msr index='0x10a' edx='0x00000000' eax='0x00000001'/> */
static bool add_msr(struct mig_cpumap *map, const char *name, const xmlNode *e,
                    struct mig_error *err)
{
    uint64_t index, low = 0, high = 0;

    if (!mig_xml_get_number(e, "index", UINT32_MAX, &index, err) ||
        !mig_xml_find_number(e, "eax", UINT32_MAX, &low, err) ||
        !mig_xml_find_number(e, "edx", UINT32_MAX, &high, err)) {
        return false;
    }
    add_bits(map, name, mig_reg_msr((uint32_t)index), high << 32 | low);
    return true;
}

static bool add_places(struct mig_cpumap *map, const char *name, const xmlNode *feature,
                       struct mig_error *err)
{
    for (const xmlNode *e = mig_xml_first(feature); e != NULL; e = mig_xml_next(e)) {
        if (strcmp(mig_xml_name(e), "cpuid") == 0 && !add_cpuid(map, name, e, err)) {
            return false;
        }
        if (strcmp(mig_xml_name(e), "msr") == 0 && !add_msr(map, name, e, err)) {
            return false;
        }
    }
    return true;
}

/* <feature name='x'> places <alias name='y'/> </feature> */
static bool add_feature(struct mig_cpumap *map, const xmlNode *feature, struct mig_error *err)
{
    const char *name;

    if (!mig_xml_get(feature, "name", &name, err) || !add_places(map, name, feature, err)) {
        return false;
    }
    for (const xmlNode *e = mig_xml_child(feature, "alias"); e != NULL; e = mig_xml_sibling(e)) {
        if (!mig_xml_get(e, "name", &name, err) || !add_places(map, name, feature, err)) {
            return false;
        }
    }
    return true;
}

static bool add_model(struct mig_cpumap *map, const xmlNode *model, struct mig_error *err)
{
    const char *name;

    if (!mig_xml_get(model, "name", &name, err)) {
        return false;
    }
    *MIG_PUSH(&map->models) = model;
    return true;
}

bool mig_cpumap_add(struct mig_cpumap *map, const char *text, size_t len, struct mig_error *err)
{
    xmlNode *root = NULL;

    if (!mig_xml_parse(text, len, &root, err)) {
        return false;
    }
    *MIG_PUSH(&map->documents) = root;
    if (strcmp(mig_xml_name(root), "cpus") != 0) {
        return mig_fail(err, MIG_FORMAT, "the outermost element is not cpus");
    }
    for (const xmlNode *e = mig_xml_first(root); e != NULL; e = mig_xml_next(e)) {
        if (strcmp(mig_xml_name(e), "feature") == 0 && !add_feature(map, e, err)) {
            return false;
        }
        if (strcmp(mig_xml_name(e), "model") == 0 && !add_model(map, e, err)) {
            return false;
        }
    }
    return true;
}

static bool read_file(struct mig_cpumap *map, const char *folder, const xmlNode *include,
                      struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_free) char *path = NULL;
    const char *name;

    if (!mig_xml_get(include, "filename", &name, err)) {
        return false;
    }
    if (strchr(name, '/') != NULL || name[0] == '.') {
        return mig_xml_fail(include, err, "'%.60s' is no plain file name", name);
    }
    path = mig_strf("%s/%s", folder, name);
    return mig_file_read(path, FILE_BYTES_MAX, &bytes, err) &&
           (mig_cpumap_add(map, (const char *)bytes.items, bytes.len, err) ||
            mig_wrap(err, "%s", path));
}

/* Newer indexes put their includes into groups. */
static bool read_includes(struct mig_cpumap *map, const char *folder, const xmlNode *in,
                          struct mig_error *err)
{
    for (const xmlNode *e = mig_xml_first(in); e != NULL; e = mig_xml_next(e)) {
        bool include = strcmp(mig_xml_name(e), "include") == 0;

        if (include && map->documents.len == FILES_MAX) {
            return mig_fail(err, MIG_LIMIT, "more than %d files", FILES_MAX);
        }
        if (include && !read_file(map, folder, e, err)) {
            return false;
        }
        if (strcmp(mig_xml_name(e), "group") == 0 && !read_includes(map, folder, e, err)) {
            return false;
        }
    }
    return true;
}

bool mig_cpumap_read(const char *folder, struct mig_cpumap **ret, struct mig_error *err)
{
    MIG_AUTO(mig_cpumap_free) struct mig_cpumap *map = mig_cpumap_new();
    MIG_AUTO(mig_free) char *path = mig_strf("%s/index.xml", folder);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_xml_free) xmlNode *root = NULL;

    if (!mig_file_read(path, FILE_BYTES_MAX, &bytes, err)) {
        return false;
    }
    if (!mig_xml_parse((const char *)bytes.items, bytes.len, &root, err)) {
        return mig_wrap(err, "%s", path);
    }
    for (const xmlNode *arch = mig_xml_child(root, "arch"); arch != NULL;
         arch = mig_xml_sibling(arch)) {
        const char *name = mig_xml_attribute(arch, "name");

        if (name != NULL && strcmp(name, "x86") == 0 && !read_includes(map, folder, arch, err)) {
            return mig_wrap(err, "%s", path);
        }
    }
    *ret = mig_steal(&map);
    return true;
}

void mig_cpumap_know_all(const struct mig_cpumap *map, struct mig_words *w)
{
    for (size_t i = 0; i < map->features.len; i++) {
        if (mig_words_take(map->features.items[i].reg)) {
            mig_words_put(w, map->features.items[i].reg, map->features.items[i].mask, false);
        }
    }
}

bool mig_cpumap_put(const struct mig_cpumap *map, const char *feature, bool on, struct mig_words *w)
{
    bool known = false;

    for (size_t i = 0; i < map->features.len; i++) {
        const struct bits *f = &map->features.items[i];

        if (strcmp(f->name, feature) != 0) {
            continue;
        }
        known = true;
        if (mig_words_take(f->reg)) {
            mig_words_put(w, f->reg, f->mask, on);
        }
    }
    return known;
}

static const xmlNode *find_model(const struct mig_cpumap *map, const char *name)
{
    for (size_t i = 0; i < map->models.len; i++) {
        if (strcmp(mig_xml_attribute(map->models.items[i], "name"), name) == 0) {
            return map->models.items[i];
        }
    }
    return NULL;
}

/* "removed" ones left the model after its first release; XML of a running
 * guest says by itself which way they stand. */
static bool put_features(const struct mig_cpumap *map, const xmlNode *model, struct mig_words *w,
                         struct mig_error *err)
{
    for (const xmlNode *e = mig_xml_child(model, "feature"); e != NULL; e = mig_xml_sibling(e)) {
        const char *removed = mig_xml_attribute(e, "removed"), *name;

        if (!mig_xml_get(e, "name", &name, err)) {
            return false;
        }
        if (removed != NULL && strcmp(removed, "yes") == 0) {
            continue;
        }
        if (!mig_cpumap_put(map, name, true, w)) {
            return mig_xml_fail(e, err, "feature '%.60s' is defined nowhere", name);
        }
    }
    return true;
}

bool mig_cpumap_put_model(const struct mig_cpumap *map, const char *model, struct mig_words *w,
                          bool *ret_known, struct mig_error *err)
{
    const xmlNode *e = find_model(map, model);

    *ret_known = e != NULL;
    for (unsigned i = 0; e != NULL; i++) {
        const xmlNode *parent;
        const char *name;

        if (i == ANCESTORS_MAX) {
            return mig_fail(err, MIG_LIMIT, "model '%.60s' has more than %d ancestors", model,
                            ANCESTORS_MAX);
        }
        if (!put_features(map, e, w, err) || !mig_xml_only(e, "model", &parent, err)) {
            return false;
        }
        if (parent == NULL) {
            return true;
        }
        if (!mig_xml_get(parent, "name", &name, err)) {
            return false;
        }
        e = find_model(map, name);
        if (e == NULL) {
            return mig_xml_fail(parent, err, "model '%.60s' is defined nowhere", name);
        }
    }
    return true;
}
