typedef int gc_stub_unit; /* keeps the library non-empty until its first module lands */
