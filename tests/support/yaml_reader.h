/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/yaml_reader.h: YAML back into JSON, by a reader that takes nothing
 * on trust: a bare word that some version of YAML reads as another type than
 * text, and that is not written as in JSON, is an error.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

/* A new reference; NULL after writing what is wrong to @ret_error. */
#define YAML_READER_ERROR_MAX 200
json_t *yaml_reader_load(const char *text, size_t len, char ret_error[YAML_READER_ERROR_MAX]);
