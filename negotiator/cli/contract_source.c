/* SPDX-License-Identifier: Apache-2.0 */
#include "contract_source.h"

#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "session/contract_file.h"
#include "snapshot/import.h"

static const struct contract_source rows[] = {
#define SOURCE(id, option, metavar, help, fn) [CONTRACT_SOURCE_##id] = {option, fn},
#include "negotiator/cli/contract_source.def"
};

const struct contract_source *contract_source_get(enum contract_source_id id)
{
    return &rows[id];
}

char *contract_source_options(void)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        mig_text_addf(&t, "%s--%s",
                      i == 0                    ? ""
                      : i + 1 < MIG_COUNT(rows) ? ", "
                                                : " or ",
                      rows[i].option);
    }
    return mig_steal(&t.items);
}

/* @format NULL: any. */
static bool read_file(const char *path, const char *const *formats, struct mig_contract *c,
                      struct mig_error *err)
{
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file f = {0};
    bool known = formats == NULL;

    if (!mig_contract_file_read(NULL, path, mig_now_unix(), &f, err)) {
        return false;
    }
    for (size_t i = 0; formats != NULL && formats[i] != NULL; i++) {
        known = known || strcmp(formats[i], f.format) == 0;
    }
    if (!known) {
        return mig_fail(err, MIG_FORMAT, "%s: is %s, expected %s", path, f.format, formats[0]);
    }
    c->shown = mig_steal(&f.contract->shown);
    if (f.kind == MIG_EVIDENCE_UNSIGNED) { /* ours: it says of whom */
        if (c->vm[0] == '\0') {
            memcpy(c->vm, f.contract->vm, sizeof c->vm);
        }
        memcpy(c->instance, f.contract->instance, sizeof c->instance);
    }
    return true;
}

bool contract_source_file(const char *word, struct mig_contract *c, struct mig_error *err)
{
    return read_file(word, NULL, c, err);
}

bool contract_source_cloud_hypervisor(const char *word, struct mig_contract *c,
                                      struct mig_error *err)
{
    static const char *const formats[] = {"cloud-hypervisor-state", NULL};
    MIG_AUTO(mig_free) char *state = mig_strf("%s/state.json", word);
    struct stat st;
    bool folder = stat(word, &st) == 0 && S_ISDIR(st.st_mode);

    return read_file(folder ? state : word, formats, c, err);
}

bool contract_source_firecracker(const char *word, struct mig_contract *c, struct mig_error *err)
{
    static const char *const formats[] = {"firecracker-fingerprint", "firecracker-template", NULL};

    return read_file(word, formats, c, err);
}

bool contract_source_idregs(const char *word, struct mig_contract *c, struct mig_error *err)
{
    static const char *const formats[] = {"arm64-registers", NULL};

    return read_file(word, formats, c, err);
}
