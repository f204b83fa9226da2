export declare const FLAGS: readonly string[];
export declare const VARIABLES: Readonly<Record<string, string>>;
export declare function boundMemory(): void;
