/* SPDX-License-Identifier: Apache-2.0 */
/* Feeds every file of the folders on the command line to a fuzz entry: the
 * corpus runs under any compiler, without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_folder(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int files = 0;

    if (folder == NULL) {
        (void)fprintf(stderr, "%s: not readable\n", path);
        return -1;
    }
    while ((entry = readdir(folder)) != NULL) {
        MIG_AUTO(mig_free) char *name = mig_strf("%s/%s", path, entry->d_name);
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        struct mig_error err;

        if (entry->d_name[0] != '.' && mig_file_read(name, 64u << 20, &bytes, &err)) {
            (void)LLVMFuzzerTestOneInput(bytes.items, bytes.len);
            files++;
        }
    }
    (void)closedir(folder);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;

    for (int i = 1; i < argc; i++) {
        int n = run_folder(argv[i]);

        if (n < 0) {
            return 1;
        }
        files += n;
    }
    (void)printf("%d inputs\n", files);
    return files > 0 ? 0 : 1;
}
