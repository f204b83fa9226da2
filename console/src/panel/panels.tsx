import { getRouteApi } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { PlainOnError } from '../content/plain-on-error.tsx';
import { useLocale } from '../i18n/locale.ts';
import { type PanelName, panels } from '../log/session-search.ts';
import { Tabs } from '../ui/tabs.tsx';
import { ChangesPanel } from './changes-panel.tsx';
import { EventsPanel } from './events-panel.tsx';
import { FilesPanel } from './files-panel.tsx';
import { OptionsPanel } from './options-panel.tsx';
import { OverviewPanel } from './overview-panel.tsx';

const route = getRouteApi('/sessions/$sessionId');

const content: Record<PanelName, (props: { sessionId: string }) => ReactNode> = {
  overview: OverviewPanel,
  changes: ChangesPanel,
  files: FilesPanel,
  events: EventsPanel,
  options: OptionsPanel,
};

/** What there is to know of a session beside what was said. Which one is open stands in the address. */
export function Panels({ sessionId }: { sessionId: string }) {
  const { t } = useLocale();
  const { panel = 'overview' } = route.useSearch();
  const navigate = route.useNavigate();
  return (
    <Tabs<PanelName>
      className="h-full"
      label={t('panel.label')}
      value={panel}
      onChange={(chosen) =>
        void navigate({ search: (search) => ({ ...search, panel: chosen }), replace: true })
      }
      tabs={panels.map((value) => {
        const Content = content[value];
        return {
          value,
          label: t(`panel.${value}.title`),
          panel: <SafePanel key={value} content={<Content sessionId={sessionId} />} />,
        };
      })}
    />
  );
}

/** One that fails leaves the session beside it alone. */
function SafePanel({ content }: { content: ReactNode }) {
  const { t } = useLocale();
  const plain = <p className="p-4 text-[13px] text-danger">{t('panel.failed')}</p>;
  return <PlainOnError plain={plain}>{content}</PlainOnError>;
}
