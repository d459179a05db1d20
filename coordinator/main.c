#include <stdio.h>

int main(void)
{
    fputs("gc-coordinator: under construction\n", stderr);
    return 9;
}
