#include <stdio.h>

int main(void)
{
    fputs("gc-broker: under construction\n", stderr);
    return 9;
}
