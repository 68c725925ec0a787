/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/hostfile.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/cmdline.h"

static const struct {
    const char *prefix, *fact;
} places[] = {
#define FILES(prefix, fact) {prefix, fact},
#include "snapshot/hostfile.def"
};

/* "microcode\t: 0x1000065" of the first CPU. */
static void add_cpuinfo(struct mig_builder *b, const char *text, const char *key, const char *fact,
                        const char *path)
{
    const char *line = strstr(text, key);
    const char *colon = line == NULL ? NULL : strchr(line, ':');
    MIG_AUTO(mig_free) char *value = NULL;

    if (colon != NULL) {
        value = mig_strndup(colon + 1, strcspn(colon + 1, "\n"));
        mig_builder_add_fact(b, fact, mig_text_trim(value), path);
    }
}

/* "kvm/parameters/nested" -> "kvm.nested"; other names stay. */
static char *name_of(const char *fact, const char *rest)
{
    static const char middle[] = "/parameters/";
    const char *slash = strstr(rest, middle);

    return slash == NULL
               ? mig_strf("%s%s", fact, rest)
               : mig_strf("%s%.*s.%s", fact, (int)(slash - rest), rest, slash + strlen(middle));
}

void mig_hostfile_add_facts(struct mig_builder *b, const char *path, const char *text)
{
    if (strcmp(path, "/proc/cmdline") == 0) {
        mig_cmdline_add_facts(b, text, path);
    } else if (strcmp(path, "/proc/cpuinfo") == 0) {
        add_cpuinfo(b, text, "\nmicrocode", "microcode", path);
        add_cpuinfo(b, text, "\nmodel name", "cpu.model-name", path);
    }
    for (size_t i = 0; i < MIG_COUNT(places); i++) {
        if (mig_text_starts(path, places[i].prefix)) {
            MIG_AUTO(mig_free) char *value = mig_strdup(text);
            MIG_AUTO(mig_free)
            char *name = name_of(places[i].fact, path + strlen(places[i].prefix));

            mig_builder_add_fact(b, name, mig_text_trim(value), path);
        }
    }
}
