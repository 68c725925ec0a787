/* SPDX-License-Identifier: Apache-2.0 */
/* Any file of a CPU map: refused, or its models can be asked for. */
#include <stdint.h>

#include "snapshot/cpumap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const models[] = {"Base", "Grown", "M", "N", ""};
    MIG_AUTO(mig_cpumap_free) struct mig_cpumap *map = mig_cpumap_new();
    MIG_AUTO(mig_words_clear) struct mig_words words = {0};
    struct mig_error err;
    bool known;

    if (!mig_cpumap_add(map, (const char *)data, size, &err)) {
        return 0;
    }
    mig_cpumap_know_all(map, &words);
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        (void)(mig_cpumap_put_model(map, models[i], &words, &known, &err) && known);
    }
    return 0;
}
