/** The columns of the table; the header and the rows have them from here. Narrow windows have fewer. */
export const rowGrid =
  'grid grid-cols-[2.5rem_10rem_minmax(0,1fr)_3.5rem_5rem_4.5rem_2.75rem] items-center lg:grid-cols-[2.5rem_10rem_minmax(0,1fr)_8rem_3.5rem_4.5rem_5rem_4.5rem_2.75rem]';

/** What narrow windows have not. */
export const wideOnly = 'max-lg:hidden';

export const cardGrid = 'grid grid-cols-[3rem_minmax(0,1fr)_3rem] items-center';
