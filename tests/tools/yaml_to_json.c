/* SPDX-License-Identifier: Apache-2.0 */
/* yaml_to_json FILE: the one YAML document in FILE as JSON, keys sorted. */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "support/yaml_reader.h"

#define BYTES_MAX (64u << 20)

int main(int argc, char **argv)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    char error[YAML_READER_ERROR_MAX];
    struct mig_error err;
    json_t *object;

    if (argc != 2) {
        (void)fprintf(stderr, "usage: %s FILE\n", argv[0]);
        return 2;
    }
    if (!mig_file_read(argv[1], BYTES_MAX, &file, &err)) {
        (void)fprintf(stderr, "%s\n", err.msg);
        return 2;
    }
    object = yaml_reader_load((const char *)file.items, file.len, error);
    if (object == NULL) {
        (void)fprintf(stderr, "%s: %s\n", argv[1], error);
        return 1;
    }
    (void)json_dumpf(object, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
    (void)putchar('\n');
    json_decref(object);
    return fflush(stdout) == 0 ? 0 : 2;
}
