const char *greeting(void) { return WORDS; }
