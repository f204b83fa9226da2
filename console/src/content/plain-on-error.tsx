import { Component, type ReactNode } from 'react';

type PlainOnErrorProps = { plain: ReactNode; children: ReactNode };

/** What its view stumbles over (too deeply nested, a chunk that does not come) is still there to be read. */
export class PlainOnError extends Component<PlainOnErrorProps, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError(): { hasFailed: boolean } {
    return { hasFailed: true };
  }

  override render(): ReactNode {
    return this.state.hasFailed ? this.props.plain : this.props.children;
  }
}
