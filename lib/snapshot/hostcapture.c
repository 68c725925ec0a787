/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/hostcapture.h"

#include <errno.h>
#include <string.h>

int mig_hostcapture_errno(const char *name)
{
    for (int errnum = 1; errnum < 200; errnum++) {
        const char *known = strerrorname_np(errnum);

        if (known != NULL && strcmp(known, name) == 0) {
            return errnum;
        }
    }
    return EIO;
}

bool mig_hostcapture_result(const struct mig_node *n, int *ret, struct mig_error *err)
{
    const char *text;

    if (!mig_node_get_text(n, "r", &text, err)) {
        return false;
    }
    *ret = strcmp(text, "OK") == 0 ? 0 : mig_hostcapture_errno(text);
    return true;
}

bool mig_hostcapture_single(const struct mig_hostcapture *c, const char *key, struct mig_node *ret,
                            struct mig_error *err)
{
    struct mig_node list;

    if (!mig_node_find(&c->root, key, JSON_ARRAY, &list, err)) {
        return false;
    }
    *ret = list;
    if (list.json == NULL || json_array_size(list.json) == 0) {
        ret->json = NULL;
        return true;
    }
    return mig_node_element(&list, 0, JSON_OBJECT, ret, err);
}

bool mig_hostcapture_call(const struct mig_hostcapture *c, const char *key, const char *name,
                          const char *kind, int *ret, struct mig_error *err)
{
    struct mig_node list, call;
    const char *text;

    *ret = c->devkvm != 0 ? c->devkvm : ENOENT;
    if (!mig_node_find(&c->root, key, JSON_ARRAY, &list, err)) {
        return false;
    }
    for (size_t i = 0; list.json != NULL && i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_OBJECT, &call, err) ||
            !mig_node_get_text(&call, name, &text, err)) {
            return false;
        }
        if (strcmp(text, kind) == 0) {
            return mig_hostcapture_result(&call, ret, err);
        }
    }
    return true;
}

bool mig_hostcapture_cap(const struct mig_hostcapture *c, uint32_t number, uint64_t *ret,
                         struct mig_error *err)
{
    struct mig_node caps, n;

    *ret = 0;
    if (!mig_node_get(&c->root, "caps", JSON_OBJECT, &caps, err)) {
        return false;
    }
    for (void *i = json_object_iter(caps.json); i != NULL;
         i = json_object_iter_next(caps.json, i)) {
        uint64_t found = 0;

        if (!mig_node_member(&caps, i, JSON_OBJECT, &n, err) ||
            !mig_node_find_number(&n, "num", UINT32_MAX, &found, err)) {
            return false;
        }
        if (found == number && json_object_get(n.json, "num") != NULL) {
            return mig_node_find_number(&n, "sys", UINT32_MAX, ret, err);
        }
    }
    return true;
}
