/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answer of QEMU's query-cpu-definitions: which named models this QEMU with
 * this machine type and accelerator can run, and what the others lack.  No
 * register can be told from it; all stay uncovered.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/node.h"

#define SOURCE "QEMU query-cpu-definitions"
#define GAP SOURCE ": names models only; import query-cpu-model-expansion for what they show"
#define MODELS_MAX 900 /* each is a fact */

bool mig_import_definitions_recognises(const char *text, size_t len)
{
    return (text[0] == '{' || text[0] == '[') && memmem(text, len, "\"typename\"", 10) != NULL;
}

static bool add_lacks(const struct mig_node *model, struct mig_text *t, struct mig_error *err)
{
    struct mig_node list, item;

    if (!mig_node_find(model, "unavailable-features", JSON_ARRAY, &list, err)) {
        return false;
    }
    if (list.json == NULL) {
        mig_text_add(t, "not known whether usable"); /* arm64 does not tell */
        return true;
    }
    mig_text_add(t, json_array_size(list.json) == 0 ? "usable" : "lacks: ");
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_STRING, &item, err)) {
            return false;
        }
        mig_text_addf(t, "%s%s", i == 0 ? "" : ",", json_string_value(item.json));
    }
    return true;
}

/* What the machine type decides: the model behind an alias, and whether it is
 * the same everywhere. */
static bool add_notes(const struct mig_node *model, struct mig_text *t, struct mig_error *err)
{
    static const struct {
        const char *key;
        json_type when;
        const char *note;
    } rows[] = {
        {"migration-safe", JSON_FALSE, "; not the same on every host"},
        {"deprecated",     JSON_TRUE,  "; deprecated"                },
    };
    struct mig_node alias;

    if (!mig_node_find(model, "alias-of", JSON_STRING, &alias, err)) {
        return false;
    }
    if (alias.json != NULL) {
        mig_text_addf(t, "; with this machine type %s", json_string_value(alias.json));
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        const json_t *value = json_object_get(model->json, rows[i].key);

        if (value != NULL && json_typeof(value) == rows[i].when) {
            mig_text_add(t, rows[i].note);
        }
    }
    return true;
}

static bool read_model(const struct mig_node *model, struct mig_builder *b, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text text = {0};
    MIG_AUTO(mig_free) char *fact = NULL;
    const char *name;

    if (!mig_node_get_text(model, "name", &name, err) || !add_lacks(model, &text, err) ||
        !add_notes(model, &text, err)) {
        return false;
    }
    fact = mig_strf("vmm.qemu.model.%.80s", name);
    mig_builder_add_fact(b, fact, text.items, SOURCE);
    return true;
}

/* "EPYC-x86_64-cpu", "pentium-i386-cpu", "cortex-a57-arm-cpu" */
static bool read_arch(const struct mig_node *list, enum mig_arch *ret, struct mig_error *err)
{
    static const struct {
        const char *suffix;
        enum mig_arch arch;
    } rows[] = {
        {"-x86_64-cpu", MIG_ARCH_X86  },
        {"-i386-cpu",   MIG_ARCH_X86  },
        {"-arm-cpu",    MIG_ARCH_ARM64},
    };
    struct mig_node first;
    const char *type;

    if (!mig_node_element(list, 0, JSON_OBJECT, &first, err) ||
        !mig_node_get_text(&first, "typename", &type, err)) {
        return false;
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (mig_text_ends(type, rows[i].suffix)) {
            *ret = rows[i].arch;
            return true;
        }
    }
    return mig_node_fail(&first, err, "typename '%.60s' is neither of an x86 nor of an arm64 CPU",
                         type);
}

static bool read_list(const struct mig_node *list, struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    enum mig_arch arch = MIG_ARCH_NONE;
    struct mig_node model;

    if (json_array_size(list->json) == 0) {
        return mig_node_fail(list, err, "names no model");
    }
    if (json_array_size(list->json) > MODELS_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d models", MODELS_MAX);
    }
    if (!read_arch(list, &arch, err)) {
        return false;
    }
    b = mig_builder_new(arch);
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, MIG_COVER_NONE, 0, GAP);
    mig_builder_cover(b, arch == MIG_ARCH_X86 ? MIG_GROUP_CPUID : MIG_GROUP_IDREG, MIG_COVER_NONE,
                      0, GAP);
    mig_builder_cover(b, MIG_GROUP_SOFTWARE, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_add_fact(b, "vmm.name", "qemu", SOURCE);
    for (size_t i = 0; i < json_array_size(list->json); i++) {
        if (!mig_node_element(list, i, JSON_OBJECT, &model, err) || !read_model(&model, b, err)) {
            return false;
        }
    }
    return mig_import_finish(b, "qemu-cpu-definitions", ret, err);
}

bool mig_import_definitions_read(const char *text, size_t len, struct mig_snapshot **ret,
                                 struct mig_error *err)
{
    static const char *const keys[] = {"return", "id", NULL};
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root, list;

    if (!mig_node_parse(text, len, &document, err)) {
        return false;
    }
    list = root = mig_node_root(document);
    if (json_is_object(document) && (!mig_node_check_object(&root, keys, err) ||
                                     !mig_node_get(&root, "return", JSON_ARRAY, &list, err))) {
        return false;
    }
    return read_list(&list, ret, err);
}
