/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/report_yaml.h: the objects of report_json.h as YAML.  Read back, by the
 * rules of YAML 1.1 or 1.2, they are the same objects.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* False: not all of it could be written; errno says why. */
bool report_yaml_write(const json_t *object, FILE *out);

/* Print @object on stdout and give up the reference. */
void report_yaml_print(json_t *object);
