/* order.h - what a registry is asked to have: which image under which name, in which form. */
#ifndef ORDER_H
#define ORDER_H

#include "image/export.h"

struct order {
	struct reference name; /* under which it is served */
	char id[DIGEST];       /* of its config */
	char engine_id[DIGEST];
};

enum coding parse_coding(const char *text);
struct order *parse_orders(char **words, size_t count);

#endif
