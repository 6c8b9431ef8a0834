// Wires, starts in order, stops in reverse order; no logic.
int main() { return 0; }
