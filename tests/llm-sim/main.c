#include <stdio.h>

int main(void)
{
    fputs("gc-llm-sim: under construction\n", stderr);
    return 9;
}
