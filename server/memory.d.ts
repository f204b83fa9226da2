export declare function boundMemory(): void;
